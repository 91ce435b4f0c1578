//! The parser of Tavus' events against bytes, with coverage.
#![no_main]

use edge_worker::providers::tavus::events::TavusEvent;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(event) = TavusEvent::parse(bytes) {
        let Ok(again) = TavusEvent::parse(event.raw.0.to_string().as_bytes()) else {
            panic!("what was kept cannot be read again");
        };
        assert_eq!(again, event);
    }
});
