use proptest::prelude::*;

use super::*;

/// The vectors of two public implementations.
const VECTORS: [[&str; 5]; 2] = [
    [
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        "1649367553",
        r#"{"email":"test@example.com","username":"test_user"}"#,
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ],
    [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        r#"{"test": 2432232314}"#,
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ],
];

const SIGNED_AT: u64 = 1_614_265_330;

fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)] {
        headers.insert(name, value.parse().unwrap());
    }
    headers
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The second vector with another signature header, at another time.
fn second(signature: &str, now: u64) -> Result<bool, SignatureError> {
    let [secret, id, timestamp, body, _] = VECTORS[1];
    let secret = SigningSecret::parse(secret).unwrap();
    verify(
        &secret,
        &headers(id, timestamp, signature),
        body.as_bytes(),
        at(now),
    )
}

#[test]
fn both_published_vectors_pass() {
    for [secret, id, timestamp, body, signature] in VECTORS {
        let secret = SigningSecret::parse(secret).unwrap();
        let now = at(timestamp.parse().unwrap());
        let headers = headers(id, timestamp, signature);
        assert_eq!(verify(&secret, &headers, body.as_bytes(), now), Ok(true));
        let altered = format!("{body} ");
        assert_eq!(
            verify(&secret, &headers, altered.as_bytes(), now),
            Err(SignatureError::NoMatch)
        );
    }
}

#[test]
fn one_fitting_signature_among_several_is_enough() {
    let good = VECTORS[1][4];
    let old = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for header in [
        format!("{old} {good}"),
        format!("{good} {old}"),
        format!("v1a,{} v2,x {good}", &good[3..]),
    ] {
        assert_eq!(second(&header, SIGNED_AT), Ok(true), "{header}");
    }
}

#[test]
fn unknown_versions_and_damaged_signatures_do_not_fit() {
    let encoded = &VECTORS[1][4][3..];
    for header in [
        String::new(),
        "v1,".to_owned(),
        encoded.to_owned(),
        format!("v1a,{encoded}"),
        format!("v2,{encoded}"),
        format!("v1,{}", &encoded[..encoded.len() - 4]),
        format!("v1,{encoded}AAAA"),
        format!("v1 {encoded}"),
        "v1,not base64!".to_owned(),
    ] {
        assert_eq!(
            second(&header, SIGNED_AT),
            Err(SignatureError::NoMatch),
            "{header}"
        );
    }
}

#[test]
fn five_minutes_are_tolerated_both_ways_and_not_a_second_more() {
    let good = VECTORS[1][4];
    for offset in [0, 299, 300] {
        assert_eq!(second(good, SIGNED_AT + offset), Ok(true));
        assert_eq!(second(good, SIGNED_AT - offset), Ok(true));
    }
    for now in [SIGNED_AT + 301, SIGNED_AT - 301, 0] {
        assert_eq!(second(good, now), Err(SignatureError::OutsideTolerance));
    }
}

#[test]
fn no_header_is_nothing_to_check_and_a_missing_one_is_refused() {
    let [secret, id, timestamp, body, signature] = VECTORS[1];
    let secret = SigningSecret::parse(secret).unwrap();
    let check = |headers: &HeaderMap| verify(&secret, headers, body.as_bytes(), at(SIGNED_AT));
    assert_eq!(check(&HeaderMap::new()), Ok(false));
    for name in [ID, TIMESTAMP, SIGNATURE] {
        let mut headers = headers(id, timestamp, signature);
        headers.remove(name);
        assert_eq!(check(&headers), Err(SignatureError::Incomplete), "{name}");
    }
}

#[test]
fn doubled_and_malformed_headers_are_refused() {
    let [secret, id, timestamp, body, signature] = VECTORS[1];
    let secret = SigningSecret::parse(secret).unwrap();
    let check = |headers: &HeaderMap| verify(&secret, headers, body.as_bytes(), at(SIGNED_AT));
    let mut doubled = headers(id, timestamp, signature);
    doubled.append(TIMESTAMP, "1".parse().unwrap());
    assert_eq!(check(&doubled), Err(SignatureError::Malformed));
    for (id, timestamp) in [
        ("msg.1", timestamp),
        ("", timestamp),
        (id, ""),
        (id, "+1614265330"),
        (id, "1614265330.0"),
        (id, "99999999999999999999"),
    ] {
        let headers = headers(id, timestamp, signature);
        assert_eq!(
            check(&headers),
            Err(SignatureError::Malformed),
            "{id} {timestamp}"
        );
    }
}

#[test]
fn secret_is_base64_of_24_to_64_bytes_and_hidden() {
    let encode = |length: usize| format!("whsec_{}", STANDARD.encode(vec![7; length]));
    for (length, is_secret) in [(23, false), (24, true), (64, true), (65, false)] {
        assert_eq!(
            SigningSecret::parse(&encode(length)).is_some(),
            is_secret,
            "{length}"
        );
    }
    assert!(SigningSecret::parse("whsec_?").is_none());
    let shown = format!("{:?}", SigningSecret::parse(VECTORS[0][0]).unwrap());
    assert!(!shown.contains("11, 97, 85"), "{shown}");
}

proptest! {
    #[test]
    fn what_the_reference_signs_is_taken_and_no_flipped_bit_is(
        key in prop::collection::vec(any::<u8>(), 24..=64),
        id in "[a-zA-Z0-9_]{1,40}",
        body in "\\PC{0,80}",
        timestamp in 1_u32..,
        bit in any::<prop::sample::Index>(),
    ) {
        let secret = SigningSecret::parse(&STANDARD.encode(&key)).unwrap();
        let reference = standardwebhooks::Webhook::from_bytes(key).unwrap();
        let signature = reference.sign(&id, timestamp.into(), body.as_bytes()).unwrap();
        let headers = headers(&id, &timestamp.to_string(), &signature);
        let now = at(timestamp.into());
        prop_assert_eq!(verify(&secret, &headers, body.as_bytes(), now), Ok(true));
        let mut altered = body.clone().into_bytes();
        if !altered.is_empty() {
            let bit = bit.index(altered.len() * 8);
            altered[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify(&secret, &headers, &altered, now), Err(SignatureError::NoMatch));
        }
    }
}
