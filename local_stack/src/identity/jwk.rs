//! One key as JSON Web Keys write it (RFC 7517, RFC 7518): read, made, and shown to those who verify.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::EncodePrivateKey as _;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::{BigUint, RsaPrivateKey};
use serde_json::{Map, Value, json};

/// What only the one who signs may know (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A key that can be used.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
    /// Missing where the private part is, or where `key_ops` does not name signing.
    pub(super) encoding: Option<EncodingKey>,
    /// The public part; a shared secret has none.
    pub(super) shown: Option<Value>,
}

impl Key {
    /// Reads a key; the text of an error says what is wrong with it.
    pub(super) fn read(jwk: &Value) -> Result<Self, String> {
        let fields = jwk.as_object().ok_or("it is not a JSON object")?;
        let (algorithm, decoding, encoding) = match text(fields, "kty")? {
            "EC" => curve(fields)?,
            "RSA" => rsa(fields)?,
            "oct" => shared(fields)?,
            other => return Err(format!("`kty` is `{other}`, and not EC, RSA or oct")),
        };
        let named = fields.get("alg").and_then(Value::as_str);
        if named.is_some_and(|named| named != name(algorithm)) {
            return Err(format!("`alg` of such a key has to be {}", name(algorithm)));
        }
        let may_sign = fields
            .get("key_ops")
            .and_then(Value::as_array)
            .is_none_or(|operations| operations.iter().any(|operation| operation == "sign"));
        let is_shared = matches!(algorithm, Algorithm::HS256);
        Ok(Self {
            id: fields.get("kid").and_then(Value::as_str).map(str::to_owned),
            algorithm,
            decoding,
            encoding: encoding.filter(|_| may_sign),
            shown: (!is_shared).then(|| public(fields, algorithm)),
        })
    }
}

/// Makes a pair of keys for ES256, the private part in it.
pub(super) fn generate() -> Value {
    let secret = loop {
        let bytes: [u8; 32] = rand::random();
        // One in 2^32 is beyond the order of the curve.
        if let Ok(secret) = p256::SecretKey::from_slice(&bytes) {
            break secret;
        }
    };
    let point = secret.public_key().to_encoded_point(false);
    let coordinate =
        |bytes: Option<&p256::FieldBytes>| URL_SAFE_NO_PAD.encode(bytes.copied().unwrap_or_default());
    json!({
        "kty": "EC",
        "kid": uuid::Uuid::new_v4(),
        "use": "sig",
        "key_ops": ["sign", "verify"],
        "alg": "ES256",
        "ext": true,
        "crv": "P-256",
        "x": coordinate(point.x()),
        "y": coordinate(point.y()),
        "d": URL_SAFE_NO_PAD.encode(secret.to_bytes()),
    })
}

type Parts = (Algorithm, DecodingKey, Option<EncodingKey>);

fn curve(fields: &Map<String, Value>) -> Result<Parts, String> {
    if text(fields, "crv")? != "P-256" {
        return Err("`crv` has to be P-256".to_owned());
    }
    let decoding = DecodingKey::from_ec_components(text(fields, "x")?, text(fields, "y")?)
        .map_err(|_| "`x` and `y` are no point")?;
    let encoding = match bytes(fields, "d")? {
        None => None,
        Some(secret) => {
            let secret = p256::SecretKey::from_slice(&secret).map_err(|_| "`d` is no key of this curve")?;
            let der = secret.to_pkcs8_der().map_err(|error| error.to_string())?;
            Some(EncodingKey::from_ec_der(der.as_bytes()))
        }
    };
    Ok((Algorithm::ES256, decoding, encoding))
}

fn rsa(fields: &Map<String, Value>) -> Result<Parts, String> {
    let decoding = DecodingKey::from_rsa_components(text(fields, "n")?, text(fields, "e")?)
        .map_err(|_| "`n` and `e` are not base64url")?;
    let number = |name| Ok::<_, String>(bytes(fields, name)?.map(|bytes| BigUint::from_bytes_be(&bytes)));
    let encoding = match (
        number("n")?,
        number("e")?,
        number("d")?,
        number("p")?,
        number("q")?,
    ) {
        (Some(n), Some(e), Some(d), Some(p), Some(q)) => {
            let key =
                RsaPrivateKey::from_components(n, e, d, vec![p, q]).map_err(|error| error.to_string())?;
            let der = key.to_pkcs1_der().map_err(|error| error.to_string())?;
            Some(EncodingKey::from_rsa_der(der.as_bytes()))
        }
        _ => None,
    };
    Ok((Algorithm::RS256, decoding, encoding))
}

fn shared(fields: &Map<String, Value>) -> Result<Parts, String> {
    let secret = bytes(fields, "k")?.ok_or("`k` is missing")?;
    let encoding = EncodingKey::from_secret(&secret);
    Ok((
        Algorithm::HS256,
        DecodingKey::from_secret(&secret),
        Some(encoding),
    ))
}

/// The fields that anybody may see; whoever has them can verify and no more.
fn public(fields: &Map<String, Value>, algorithm: Algorithm) -> Value {
    let mut shown = fields.clone();
    shown.retain(|field, _| !PRIVATE.contains(&field.as_str()));
    shown.insert("alg".to_owned(), json!(name(algorithm)));
    shown.insert("use".to_owned(), json!("sig"));
    shown.insert("key_ops".to_owned(), json!(["verify"]));
    Value::Object(shown)
}

fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => "ES256",
        Algorithm::RS256 => "RS256",
        _ => "HS256",
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    fields
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("`{name}` is missing"))
}

fn bytes(fields: &Map<String, Value>, name: &str) -> Result<Option<Vec<u8>>, String> {
    match fields.get(name).and_then(Value::as_str) {
        None => Ok(None),
        Some(text) => URL_SAFE_NO_PAD
            .decode(text.trim_end_matches('='))
            .map(Some)
            .map_err(|_| format!("`{name}` is not base64url")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_key_verifies_and_cannot_sign() {
        let jwk = generate();
        let key = Key::read(&jwk).unwrap();
        let shown = key.shown.unwrap();
        assert!(key.encoding.is_some() && jwk.get("d").is_some());
        assert!(shown.get("d").is_none());
        assert_eq!(shown["key_ops"], json!(["verify"]));
        let read_back = Key::read(&shown).unwrap();
        assert_eq!(read_back.id, key.id);
        assert!(read_back.encoding.is_none());
    }

    #[test]
    fn shared_secret_is_never_shown() {
        let key = Key::read(&json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" })).unwrap();
        assert!(key.shown.is_none() && key.encoding.is_some());
    }

    #[test]
    fn unusable_key_is_refused_with_its_reason() {
        for (jwk, reason) in [
            (json!([]), "not a JSON object"),
            (json!({}), "`kty` is missing"),
            (json!({ "kty": "OKP" }), "`OKP`"),
            (json!({ "kty": "EC", "crv": "P-384" }), "P-256"),
            (
                json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": 1 }),
                "`y` is missing",
            ),
            (json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "RS256" }), "HS256"),
            (json!({ "kty": "RSA", "n": "*", "e": "AQAB" }), "base64url"),
        ] {
            let error = Key::read(&jwk).err().unwrap();
            assert!(error.contains(reason), "{jwk}: {error}");
        }
    }
}
