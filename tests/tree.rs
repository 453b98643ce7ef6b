//! What may not enter the dependency tree, read from the lock file: it needs no tool.

/// One TLS provider, and it is ring; no OpenSSL.
const FORBIDDEN: [&str; 5] = ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"];
/// What must be there in one version only, because two would not understand each other.
const SINGLE: [&str; 5] = ["rustls", "ring", "tokio", "smoltcp", "hyper"];

fn packages() -> Vec<String> {
    let lock = std::fs::read_to_string("Cargo.lock").expect("a lock file");
    lock.lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn one_tls_provider_and_no_openssl() {
    let packages = packages();
    for name in FORBIDDEN {
        assert!(!packages.iter().any(|package| package == name), "{name} is in Cargo.lock");
    }
}

#[test]
fn what_must_be_one_is_one() {
    let packages = packages();
    for name in SINGLE {
        let copies = packages.iter().filter(|package| *package == name).count();
        assert_eq!(copies, 1, "{copies} versions of {name} in Cargo.lock");
    }
}
