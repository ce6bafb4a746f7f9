//! Signatures of JSON Web Tokens (RFC 7518). HMAC is always there; RSA, ECDSA and EdDSA come with the feature `signatures`, which the sandbox
//! does not carry. Reasons of failures hold no part of a key.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

/// Signs a message.
///
/// # Errors
/// Why there is no signature.
pub(super) fn sign(algorithm: &str, key: &str, passphrase: Option<&str>, message: &[u8]) -> Result<Vec<u8>, &'static str> {
    match algorithm {
        "HS256" => hashed::<Hmac<Sha256>>(key, message),
        "HS384" => hashed::<Hmac<Sha384>>(key, message),
        "HS512" => hashed::<Hmac<Sha512>>(key, message),
        _ => with_private_key(algorithm, key, passphrase, message),
    }
}

fn hashed<M: Mac + KeyInit>(key: &str, message: &[u8]) -> Result<Vec<u8>, &'static str> {
    if key.contains("-----BEGIN ") {
        return Err("a PEM key is no secret for HMAC");
    }
    let mut mac = <M as KeyInit>::new_from_slice(key.as_bytes()).map_err(|_| "the key is not fit for HMAC")?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}

#[cfg(not(feature = "signatures"))]
fn with_private_key(_algorithm: &str, _key: &str, _passphrase: Option<&str>, _message: &[u8]) -> Result<Vec<u8>, &'static str> {
    Err("this build signs with HMAC only")
}

#[cfg(feature = "signatures")]
fn with_private_key(algorithm: &str, key: &str, passphrase: Option<&str>, message: &[u8]) -> Result<Vec<u8>, &'static str> {
    private::sign(algorithm, key, passphrase, message)
}

#[cfg(feature = "signatures")]
mod private {
    use data_encoding::{BASE64, Specification};
    use ring::rand::SystemRandom;
    use ring::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaEncoding, RsaKeyPair};

    const MAX_KEY_BYTES: usize = 64 << 10;

    pub(super) fn sign(algorithm: &str, key: &str, passphrase: Option<&str>, message: &[u8]) -> Result<Vec<u8>, &'static str> {
        let (label, der) = unarmoured(key)?;
        if passphrase.is_some() || label == "ENCRYPTED PRIVATE KEY" {
            return Err("keys that are encrypted with a passphrase cannot be read: store the key unencrypted as a secret");
        }
        match algorithm {
            "RS256" => rsa(&signature::RSA_PKCS1_SHA256, &label, &der, message),
            "RS384" => rsa(&signature::RSA_PKCS1_SHA384, &label, &der, message),
            "RS512" => rsa(&signature::RSA_PKCS1_SHA512, &label, &der, message),
            "PS256" => rsa(&signature::RSA_PSS_SHA256, &label, &der, message),
            "PS384" => rsa(&signature::RSA_PSS_SHA384, &label, &der, message),
            "PS512" => rsa(&signature::RSA_PSS_SHA512, &label, &der, message),
            "ES256" => ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &P256, &label, &der, message),
            "ES384" => ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, &P384, &label, &der, message),
            "EdDSA" => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| "the key is no Ed25519 key")?;
                Ok(pair.sign(message).as_ref().to_vec())
            }
            _ => Err("the algorithm is not supported"),
        }
    }

    /// The label and the bytes of a PEM text. Line breaks may have become `\n` of two characters, or spaces.
    fn unarmoured(key: &str) -> Result<(String, Vec<u8>), &'static str> {
        if key.len() > MAX_KEY_BYTES {
            return Err("the key is too long");
        }
        let text = key.replace("\\n", "\n");
        let start = text.find("-----BEGIN ").ok_or("the key is not in PEM form")?;
        let (label, rest) = text[start + 11..].split_once("-----").ok_or("the key is not in PEM form")?;
        let body = rest.split("-----END ").next().unwrap_or_default();
        if body.contains("DEK-Info") {
            return Err("keys that are encrypted with a passphrase cannot be read: store the key unencrypted as a secret");
        }
        let mut specification: Specification = BASE64.specification();
        specification.ignore = " \r\n\t".to_owned();
        let encoding = specification.encoding().map_err(|_| "the key is not in PEM form")?;
        let der = encoding.decode(body.as_bytes()).map_err(|_| "the key is not in PEM form")?;
        Ok((label.to_owned(), der))
    }

    fn rsa(encoding: &'static dyn RsaEncoding, label: &str, der: &[u8], message: &[u8]) -> Result<Vec<u8>, &'static str> {
        let pair = if label == "RSA PRIVATE KEY" { RsaKeyPair::from_der(der) } else { RsaKeyPair::from_pkcs8(der) };
        let pair = pair.map_err(|_| "the key is no RSA key of at least 2048 bits")?;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message, &mut signature).map_err(|_| "it failed")?;
        Ok(signature)
    }

    /// What a curve's key looks like around its numbers.
    struct Curve {
        size: usize,
        oid: &'static [u8],
    }

    const P256: Curve = Curve { size: 32, oid: &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] };
    const P384: Curve = Curve { size: 48, oid: &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22] };
    const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

    fn ecdsa(
        algorithm: &'static EcdsaSigningAlgorithm,
        curve: &Curve,
        label: &str,
        der: &[u8],
        message: &[u8],
    ) -> Result<Vec<u8>, &'static str> {
        let wrapped = if label == "EC PRIVATE KEY" { wrap(curve, der) } else { der.to_vec() };
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &wrapped, &random).map_err(|_| "the key is no key of the algorithm's curve")?;
        let signature = pair.sign(&random, message).map_err(|_| "it failed")?;
        Ok(signature.as_ref().to_vec())
    }

    /// A key in the form of RFC 5915 as one of PKCS #8. Its own naming of the curve goes: it stands outside then.
    fn wrap(curve: &Curve, der: &[u8]) -> Vec<u8> {
        let secret = element(der, 0x04, curve.size);
        let public = element(der, 0x03, 2 * curve.size + 2);
        let inner = tagged(0x30, &[tagged(0x02, &[vec![1]]), tagged(0x04, &[secret]), tagged(0xa1, &[tagged(0x03, &[public])])]);
        let kind = tagged(0x30, &[EC_PUBLIC_KEY.to_vec(), curve.oid.to_vec()]);
        tagged(0x30, &[tagged(0x02, &[vec![0]]), kind, tagged(0x04, &[inner])])
    }

    /// The content of the first element of that tag and length; empty if there is none, which no key is.
    fn element(der: &[u8], tag: u8, length: usize) -> Vec<u8> {
        let Ok(short) = u8::try_from(length) else { return Vec::new() };
        let head: Vec<u8> = if short < 0x80 { vec![tag, short] } else { vec![tag, 0x81, short] };
        let at = der.windows(head.len()).position(|window| window == head);
        at.and_then(|at| der.get(at + head.len()..at + head.len() + length)).unwrap_or_default().to_vec()
    }

    fn tagged(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        let content = parts.concat();
        let mut bytes = vec![tag];
        match u8::try_from(content.len()) {
            Ok(short) if short < 0x80 => bytes.push(short),
            Ok(long) => bytes.extend([0x81, long]),
            Err(_) => bytes.extend([0x82, (content.len() >> 8) as u8, content.len() as u8]),
        }
        bytes.extend(content);
        bytes
    }
}
