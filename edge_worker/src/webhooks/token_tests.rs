use secrecy::ExposeSecret as _;

use super::*;

const OLD: &str = "0ld-0ld-0ld-0ld-0ld-0ld-0ld-0ld-0ld-0ld";
const APP: AppName = AppName::Echoroom;

fn keys(text: &str) -> CallbackKeys {
    CallbackKeys::parse(text).unwrap()
}

fn token(text: &str, conversation: u128) -> String {
    let token = keys(text).token(APP, Uuid::from_u128(conversation)).unwrap();
    token.expose_secret().to_owned()
}

#[test]
fn token_is_the_one_that_another_implementation_makes() {
    // By Python's hmac, hashlib and base64.
    let expected = "echoroom.0123456789abcdef0123456789abcdef.91GNhI9jsQpDn6ygio0m9iiWXXWpa1_2uWMZxBuWLOQ";
    assert_eq!(token(OLD, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef), expected);
}

#[test]
fn every_key_knows_its_own_tokens_and_the_first_makes_new_ones() {
    let conversation = Uuid::from_u128(7);
    let rotating = keys(&format!("{NEW},{OLD}"));
    assert_eq!(
        rotating.token(APP, conversation).unwrap().expose_secret(),
        token(NEW, 7)
    );
    for secret in [OLD, NEW] {
        assert_eq!(
            rotating.verify(&token(secret, 7)),
            Some((APP, conversation)),
            "{secret}"
        );
    }
    assert_eq!(
        keys(NEW).verify(&token(OLD, 7)),
        None,
        "the old one was taken away"
    );
}

#[test]
fn secrets_are_long_and_separated_by_commas() {
    assert!(CallbackKeys::parse(&"x".repeat(31)).is_none());
    assert_eq!(
        format!("{:?}", keys(&format!(" {OLD} , {NEW} "))),
        "CallbackKeys(2)"
    );
    assert_eq!(
        token(&format!(" {OLD} "), 7),
        token(OLD, 7),
        "white space around is none of it"
    );
    for text in ["", ",", "x, y", &format!("{OLD},"), &format!("{OLD},short")] {
        assert!(CallbackKeys::parse(text).is_none(), "{text}");
    }
}

#[test]
fn without_a_key_no_token_is_made_and_none_is_right() {
    let none = CallbackKeys::none();
    assert!(none.token(APP, Uuid::from_u128(7)).is_none());
    assert_eq!(none.verify(&token(OLD, 7)), None);
    assert_eq!(none.verify(""), None);
}

#[test]
fn what_is_no_token_is_refused() {
    let good = token(OLD, 0xabc);
    let (head, mac) = good.rsplit_once('.').unwrap();
    for shown in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "echoroom".to_owned(),
        head.to_owned(),
        format!("{head}."),
        format!("{good}A"),
        format!("{good}="),
        format!("{good}.x"),
        format!(" {good}"),
        format!("domo{}", good.strip_prefix("echoroom").unwrap()),
        format!("Echoroom{}", good.strip_prefix("echoroom").unwrap()),
        format!("{}.{mac}", head.to_uppercase()),
        format!("{}.{mac}", head.replace("abc", "ABC")),
        format!("echoroom.{}.{mac}", Uuid::from_u128(0xabc)),
        format!("echoroom.{}.{mac}", "g".repeat(32)),
        "é".repeat(90),
    ] {
        assert_eq!(keys(OLD).verify(&shown), None, "{shown}");
    }
}

#[test]
fn debug_form_says_nothing_of_a_key() {
    let shown = format!("{:?}", keys(&format!("{OLD},{NEW}")));
    assert_eq!(shown, "CallbackKeys(2)");
    let token = keys(OLD).token(APP, Uuid::from_u128(7));
    assert!(!format!("{token:?}").contains("echoroom"));
}

proptest! {
    #[test]
    fn token_is_right_for_its_conversation_and_key_alone(
        mine: u128,
        other: u128,
        secret in "[!-+\\--~]{32,80}",
        another in "[!-+\\--~]{32,80}",
    ) {
        let made = token(&secret, mine);
        prop_assert_eq!(keys(&secret).verify(&made), Some((APP, Uuid::from_u128(mine))));
        prop_assert_eq!(keys(&another).verify(&made).is_some(), secret == another);
        // The end of one token under the name of another conversation.
        let foreign = format!("echoroom.{}.{}", Uuid::from_u128(other).simple(), made.rsplit('.').next().unwrap());
        prop_assert_eq!(keys(&secret).verify(&foreign).is_some(), mine == other);
    }

    #[test]
    fn no_token_with_a_changed_a_cut_or_an_added_character_is_right(
        conversation: u128,
        place in any::<prop::sample::Index>(),
        instead in "[A-Za-z0-9_.-]",
    ) {
        let made = token(OLD, conversation);
        let place = place.index(made.len());
        let (before, after) = made.split_at(place);
        let changed = format!("{before}{instead}{}", &after[1..]);
        prop_assert_eq!(keys(OLD).verify(&changed).is_some(), changed == made);
        prop_assert_eq!(keys(OLD).verify(before), None);
        prop_assert_eq!(keys(OLD).verify(&format!("{before}{instead}{after}")), None);
    }

    #[test]
    fn any_text_is_survived(shown in "\\PC{0,200}", app in "(echoroom)?", hex in "[0-9a-f]{30,34}", mac in ".{40,46}") {
        prop_assert_eq!(keys(OLD).verify(&shown), None);
        prop_assert_eq!(keys(OLD).verify(&format!("{app}.{hex}.{mac}")), None);
    }
}
