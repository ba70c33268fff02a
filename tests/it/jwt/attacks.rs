//! Tokens that somebody has made up, changed, kept too long or brought from elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use throughline::access::jwt::{KeySource, LONGEST_TOKEN_BYTES, TokenError, Verifier};

use super::{AUDIENCE, ISSUER, Signer, claims, in_seconds, set_of, settings, verifier_of};

fn encoded(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

async fn refusal(verifier: &Verifier, token: &str) -> TokenError {
    let error = verifier.verify(token).await.expect_err(token);
    let text = format!("{error} {error:?}");
    assert!(!token.split('.').any(|part| part.len() > 20 && text.contains(part)), "it repeats the token: {text}");
    error
}

#[tokio::test]
async fn a_token_of_each_kind_of_key_is_taken() {
    let signers = [Signer::ed25519("ed"), Signer::es256("ec"), Signer::rs256("rsa")];
    let verifier = verifier_of(&set_of(&signers.each_ref())).await;
    for signer in &signers {
        let token = signer.sign(&claims(&json!({ "throughline": { "kind": "service", "admin": true } })));
        let read = verifier.verify(&token).await.unwrap();
        assert_eq!((read.subject.as_str(), read.is_admin), ("ada", true), "{:?}", signer.algorithm);
    }
    let secret = Signer::hs256(&[7; 32]);
    let of_secret = Verifier::open(settings(KeySource::Secret(vec![7; 32]))).await.unwrap();
    assert_eq!(of_secret.verify(&secret.sign(&claims(&json!({})))).await.unwrap().subject, "ada");
}

#[tokio::test]
async fn a_token_that_nobody_signed_is_refused() {
    let signer = Signer::ed25519("ed");
    let verifier = verifier_of(&set_of(&[&signer])).await;
    let right = signer.sign(&claims(&json!({})));
    let (message, _) = right.rsplit_once('.').unwrap();
    let payload = encoded(&claims(&json!({ "sub": "eve" })));
    for alg in ["none", "None", "NONE", "nOnE", "", "HS256 ", "null"] {
        for kid in [json!("ed"), Value::Null] {
            let header = encoded(&json!({ "alg": alg, "typ": "JWT", "kid": kid }));
            for token in
                [format!("{header}.{payload}."), format!("{header}.{payload}"), format!("{header}.{payload}.AA")]
            {
                assert_eq!(refusal(&verifier, &token).await, TokenError::Malformed, "{alg}");
            }
        }
    }
    // A right algorithm with no signature, or one of nothing but zeros.
    for signature in [String::new(), URL_SAFE_NO_PAD.encode([0; 64]), URL_SAFE_NO_PAD.encode([0; 63]), "AA".to_owned()]
    {
        assert_eq!(refusal(&verifier, &format!("{message}.{signature}")).await, TokenError::Signature);
    }
}

/// The old attack: what everybody may read of an RSA key, or of any key, is taken for the secret of HS256.
#[tokio::test]
async fn a_public_key_is_no_secret() {
    let (rsa, ec, ed) = (Signer::rs256("rsa"), Signer::es256("ec"), Signer::ed25519("ed"));
    let set = set_of(&[&rsa, &ec, &ed]);
    let verifier = verifier_of(&set).await;
    let modulus = rsa.jwk()["n"].as_str().unwrap().to_owned();
    let raw = URL_SAFE_NO_PAD.decode(&modulus).unwrap();
    // RSAPublicKey (RFC 8017, appendix A.1.1) of 2048 bits with the exponent 65537.
    let der = [&b"\x30\x82\x01\x0a\x02\x82\x01\x01\x00"[..], &raw, b"\x02\x03\x01\x00\x01"].concat();
    let pem = format!("-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n", STANDARD.encode(&der));
    let mut secrets = vec![raw, der, pem.into_bytes(), modulus.into_bytes(), set.to_string().into_bytes()];
    secrets.extend([&ec, &ed].map(|signer| URL_SAFE_NO_PAD.decode(signer.jwk()["x"].as_str().unwrap()).unwrap()));
    secrets.extend([&rsa, &ec, &ed].map(|signer| signer.jwk().to_string().into_bytes()));
    for secret in secrets {
        for id in ["rsa", "ec", "ed"] {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = Some(id.to_owned());
            let token = encode(&header, &claims(&json!({})), &EncodingKey::from_secret(&secret).unwrap()).unwrap();
            assert_eq!(refusal(&verifier, &token).await, TokenError::Algorithm);
        }
        let token = Signer::hs256(&secret).sign(&claims(&json!({})));
        assert_eq!(refusal(&verifier, &token).await, TokenError::UnknownKey);
    }
    // The other way round, a secret is no key of any other algorithm.
    let of_secret = Verifier::open(settings(KeySource::Secret(vec![7; 32]))).await.unwrap();
    for signer in [&rsa, &ec, &ed] {
        assert_eq!(refusal(&of_secret, &signer.sign(&claims(&json!({})))).await, TokenError::Algorithm);
    }
    // Nor of a longer hash.
    let longer =
        encode(&Header::new(Algorithm::HS512), &claims(&json!({})), &EncodingKey::from_secret(&[7; 32]).unwrap());
    assert_eq!(refusal(&of_secret, &longer.unwrap()).await, TokenError::Algorithm);
    let other = Signer::hs256(&[8; 32]).sign(&claims(&json!({})));
    assert_eq!(refusal(&of_secret, &other).await, TokenError::Signature);
}

#[tokio::test]
async fn a_key_is_for_one_algorithm() {
    let (rsa, ed) = (Signer::rs256("rsa"), Signer::ed25519("ed"));
    let verifier = verifier_of(&set_of(&[&rsa, &ed])).await;
    for (signer, algorithm) in [(&rsa, Algorithm::RS512), (&rsa, Algorithm::PS256)] {
        let mut header = signer.header();
        header.alg = algorithm;
        let token = encode(&header, &claims(&json!({})), &signer.key).unwrap();
        assert_eq!(refusal(&verifier, &token).await, TokenError::Algorithm, "{algorithm:?}");
    }
    // Another's name, with a signature of one's own.
    let eve = Signer { id: "ed", ..Signer::ed25519("eve") };
    assert_eq!(refusal(&verifier, &eve.sign(&claims(&json!({})))).await, TokenError::Signature);
}

/// A token may say where its key is, or bring one along: nobody looks.
#[tokio::test]
async fn a_token_brings_no_key_of_its_own() {
    let (signer, eve) = (Signer::ed25519("ed"), Signer::ed25519("eve"));
    let verifier = verifier_of(&set_of(&[&signer])).await;
    let own = serde_json::from_value(eve.jwk()).unwrap();
    for id in [Some("eve"), Some("ed"), Some("../../etc/passwd"), Some("' OR 1=1 --"), None] {
        let mut header = eve.header();
        header.kid = id.map(str::to_owned);
        header.jwk = Some(Clone::clone(&own));
        header.jku = Some("http://127.0.0.1:1/keys".to_owned());
        header.x5u = header.jku.clone();
        let token = encode(&header, &claims(&json!({})), &eve.key).unwrap();
        let error = refusal(&verifier, &token).await;
        assert!(matches!(error, TokenError::UnknownKey | TokenError::Signature), "{id:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_token_holds_for_its_time_and_its_place() {
    let signer = Signer::ed25519("ed");
    let verifier = verifier_of(&set_of(&[&signer])).await;
    for (other, expected) in [
        (json!({ "exp": in_seconds(-30) }), TokenError::Expired),
        (json!({ "exp": 0 }), TokenError::Expired),
        (json!({ "exp": null }), TokenError::Claim("exp")),
        (json!({ "exp": "never" }), TokenError::Claim("exp")),
        (json!({ "exp": -1 }), TokenError::Claim("exp")),
        (json!({ "nbf": in_seconds(30) }), TokenError::NotYetValid),
        (json!({ "nbf": "later" }), TokenError::Claim("nbf")),
        (json!({ "iss": "https://issuer.example.evil.example" }), TokenError::Issuer),
        (json!({ "iss": "https://issuer.example/" }), TokenError::Issuer),
        (json!({ "iss": null }), TokenError::Claim("iss")),
        (json!({ "iss": { "a": 1 } }), TokenError::Claim("iss")),
        (json!({ "aud": "elsewhere.example" }), TokenError::Audience),
        (json!({ "aud": ["elsewhere.example"] }), TokenError::Audience),
        (json!({ "aud": [] }), TokenError::Audience),
        (json!({ "aud": null }), TokenError::Claim("aud")),
        (json!({ "aud": 7 }), TokenError::Claim("aud")),
        (json!({ "sub": null }), TokenError::Claim("sub")),
        // What reads the token before us takes this for broken JSON.
        (json!({ "sub": ["ada"] }), TokenError::Malformed),
        (json!({ "throughline": { "roles": { "*": "god" } } }), TokenError::Claim("of rights")),
    ] {
        let token = signer.sign(&claims(&other));
        assert_eq!(refusal(&verifier, &token).await, expected, "{other}");
    }
    for other in [
        json!({ "exp": in_seconds(-3) }),
        json!({ "exp": in_seconds(-3), "nbf": in_seconds(3) }),
        json!({ "aud": ["elsewhere.example", AUDIENCE] }),
        json!({ "iss": ISSUER, "iat": in_seconds(600) }),
    ] {
        verifier.verify(&signer.sign(&claims(&other))).await.unwrap_or_else(|error| panic!("{other}: {error}"));
    }
}

#[tokio::test]
async fn a_token_of_another_type_is_refused() {
    let signer = Signer::ed25519("ed");
    let verifier = verifier_of(&set_of(&[&signer])).await;
    for (name, is_taken) in [
        (None, true),
        (Some("JWT"), true),
        (Some("at+jwt"), true),
        (Some("application/at+jwt"), true),
        (Some("logout+jwt"), false),
        (Some("dpop+jwt"), false),
        (Some("secevent+jwt"), false),
        (Some(""), false),
    ] {
        let mut header = signer.header();
        header.typ = name.map(str::to_owned);
        let token = encode(&header, &claims(&json!({})), &signer.key).unwrap();
        let expected = if is_taken { None } else { Some(TokenError::Type) };
        assert_eq!(verifier.verify(&token).await.err(), expected, "{name:?}");
    }
    // What must be understood and is not.
    let mut header = signer.header();
    header.crit = Some(vec!["exp".to_owned()]);
    let token = encode(&header, &claims(&json!({})), &signer.key).unwrap();
    assert_eq!(refusal(&verifier, &token).await, TokenError::Malformed);
}

#[tokio::test]
async fn what_is_no_token_is_refused_whatever_its_length() {
    let signer = Signer::ed25519("ed");
    let verifier = verifier_of(&set_of(&[&signer])).await;
    let right = signer.sign(&claims(&json!({})));
    // Cut off anywhere.
    for length in 0..right.len() {
        assert!(verifier.verify(&right[..length]).await.is_err(), "{length}");
    }
    // Any one letter changed. The last letter of a part has bits that nothing reads, which must not be set.
    for place in 0..right.len() {
        for other in ["A", "_", "=", ".", " ", "\n", "ü"] {
            let changed = format!("{}{other}{}", &right[..place], &right[place + 1..]);
            if changed != right {
                assert!(verifier.verify(&changed).await.is_err(), "{place}: {other}");
            }
        }
    }
    let parts: Vec<_> = right.split('.').collect();
    for wrong in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "a.b.c".to_owned(),
        format!(" {right}"),
        format!("{right} "),
        format!("{right}."),
        format!("{right}.{}", parts[2]),
        format!("{}.{}", parts[1], parts[0]),
        format!("{}.{}.{}", encoded(&json!([])), parts[1], parts[2]),
        format!("{}.{}.{}", URL_SAFE_NO_PAD.encode("[".repeat(2000)), parts[1], parts[2]),
        format!("Bearer {right}"),
    ] {
        assert_eq!(refusal(&verifier, &wrong).await, TokenError::Malformed, "{wrong}");
    }
    let long = signer.sign(&claims(&json!({ "more": "x".repeat(LONGEST_TOKEN_BYTES) })));
    assert_eq!(refusal(&verifier, &long).await, TokenError::TooLong);
    assert_eq!(refusal(&verifier, &"é".repeat(LONGEST_TOKEN_BYTES)).await, TokenError::TooLong);
    let long = signer.sign(&claims(&json!({ "more": "x".repeat(5500) })));
    assert!(long.len() < LONGEST_TOKEN_BYTES, "{}", long.len());
    verifier.verify(&long).await.unwrap();
}
