//! Which algorithms the SSH server offers: from the configuration's names to russh's.

use std::borrow::Cow;
use std::time::Duration;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Limits, Preferred, cipher, compression, kex, mac};

use crate::proto::config::facts::SshServer;

/// What is offered for a key exchange while nobody has configured one.
///
/// The default of the listing is `diffie-hellman-group14-sha1` alone, which OpenSSH refuses since
/// 8.2. A chassis on the default offers what old and new clients take; one that was told otherwise
/// offers what it was told.
const KEX: [kex::Name; 10] = [
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_GEX_SHA256,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
    kex::DH_G14_SHA1,
];
/// As [`KEX`], for message authentication: what the listing has, in the newer form too.
const MAC: [mac::Name; 6] = [
    mac::HMAC_SHA512_ETM,
    mac::HMAC_SHA256_ETM,
    mac::HMAC_SHA512,
    mac::HMAC_SHA256,
    mac::HMAC_SHA1_ETM,
    mac::HMAC_SHA1,
];
/// As [`KEX`], for encryption: what the listing has, and GCM.
const CIPHERS: [cipher::Name; 9] = [
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
    cipher::AES_256_CBC,
    cipher::AES_192_CBC,
    cipher::AES_128_CBC,
];
/// Not algorithms, but extensions that both sides announce among them.
const EXTENSIONS: [kex::Name; 2] =
    [kex::EXTENSION_SUPPORT_AS_SERVER, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER];
/// Most bytes before keys are exchanged anew, whatever is configured.
///
/// # Source
/// RFC 4253, section 9.
const REKEY_VOLUME_MAX: u64 = 1 << 30;
/// Longest time before keys are exchanged anew, whatever is configured.
///
/// # Source
/// RFC 4253, section 9.
const REKEY_MAX_S: u64 = 3600;

/// Returns the algorithms that `server` offers. A name that russh does not know is left out; the
/// log says so.
pub fn preferred(server: &SshServer) -> Preferred {
    let mut kex = chosen(server.kex.as_deref(), &KEX, |name| kex::Name::try_from(name).ok());
    kex.extend(EXTENSIONS);
    let mac = chosen(server.mac.as_deref(), &MAC, |name| mac::Name::try_from(name).ok());
    let cipher =
        chosen(server.ciphers.as_deref(), &CIPHERS, |name| cipher::Name::try_from(name).ok());
    let rsa = |hash| Algorithm::Rsa { hash };
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let key = vec![
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        rsa(Some(HashAlg::Sha512)),
        rsa(Some(HashAlg::Sha256)),
        rsa(None),
    ];
    Preferred {
        kex: Cow::Owned(kex),
        key: Cow::Owned(key),
        host_key_certificates: Cow::Borrowed(&[]),
        cipher: Cow::Owned(cipher),
        mac: Cow::Owned(mac),
        compression: Cow::Borrowed(&[compression::NONE]),
    }
}

/// Returns when keys are exchanged anew.
pub fn limits(server: &SshServer) -> Limits {
    let volume = server.rekey_volume.unwrap_or(u64::MAX).min(REKEY_VOLUME_MAX);
    let volume = usize::try_from(volume).unwrap_or(1 << 30);
    let seconds = server.rekey_s.unwrap_or(u64::MAX).min(REKEY_MAX_S);
    Limits::new(volume, volume, Duration::from_secs(seconds))
}

fn chosen<N: Clone>(
    configured: Option<&[String]>,
    default: &[N],
    find: impl Fn(&str) -> Option<N>,
) -> Vec<N> {
    let Some(names) = configured else { return default.to_vec() };
    let known = |name: &String| {
        let found = find(&wire_name(name));
        if found.is_none() {
            tracing::warn!("SSH: {name} is configured and not implemented; it is left out");
        }
        found
    };
    names.iter().filter_map(known).collect()
}

/// Returns the name on the wire of what the CLI calls `curve25519-sha256_libssh_org`.
///
/// # Source
/// Seed, `chacha20-poly1305_openssh_com`; that `hmac-sha1-160` is `hmac-sha1` is recall.
fn wire_name(name: &str) -> String {
    match name {
        "hmac-sha1-160" => "hmac-sha1".to_owned(),
        _ => name.replace("_openssh_com", "@openssh.com").replace("_libssh_org", "@libssh.org"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::config::schema::Verb;
    use crate::proto::config::{Factory, Pending, Tree, facts};

    fn server(settings: &[(&str, &str)]) -> SshServer {
        let mut tree = Tree::factory(&Factory::default());
        let mut pending = Pending::default();
        for (words, text) in settings {
            pending.set(&tree, &facts::services(), (Verb::Set, words), text).unwrap();
        }
        tree.commit(&mut pending).unwrap();
        facts::ssh_server(tree.objects())
    }

    fn names<N: AsRef<str>>(list: &[N]) -> Vec<&str> {
        list.iter().map(AsRef::as_ref).collect()
    }

    #[test]
    fn the_default_takes_old_and_new_clients() {
        let offered = preferred(&server(&[]));
        for name in ["curve25519-sha256", "diffie-hellman-group14-sha1"] {
            assert!(names(&offered.kex).contains(&name), "{name}");
        }
        for name in ["hmac-sha2-256-etm@openssh.com", "hmac-sha1"] {
            assert!(names(&offered.mac).contains(&name), "{name}");
        }
        for name in ["chacha20-poly1305@openssh.com", "aes128-cbc"] {
            assert!(names(&offered.cipher).contains(&name), "{name}");
        }
    }

    #[test]
    fn what_is_configured_is_offered_and_nothing_else() {
        let offered = preferred(&server(&[
            ("ssh-server kex-algorithm", "curve25519-sha256_libssh_org ecdh-sha2-nistp256"),
            ("ssh-server mac-algorithm", "hmac-sha1-160 hmac-sha1-96"),
            ("ssh-server encrypt-algorithm", "3des-cbc aes256-gcm_openssh_com"),
        ]));
        let kex = ["curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"];
        assert_eq!(names(&offered.kex)[..2], kex);
        assert_eq!(offered.kex.len(), 2 + EXTENSIONS.len());
        assert_eq!(names(&offered.mac), ["hmac-sha1"]);
        assert_eq!(names(&offered.cipher), ["3des-cbc", "aes256-gcm@openssh.com"]);
    }

    #[test]
    fn keys_are_exchanged_anew_as_configured_and_at_the_latest_as_the_standard_says() {
        let default = limits(&server(&[]));
        assert_eq!((default.rekey_read_limit, default.rekey_time_limit.as_secs()), (1 << 30, 3600));
        let less = limits(&server(&[
            ("ssh-server rekey-limit volume", "100"),
            ("ssh-server rekey-limit time", "10"),
        ]));
        assert_eq!((less.rekey_write_limit, less.rekey_time_limit.as_secs()), (102_400, 600));
    }
}
