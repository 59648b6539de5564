//! Passwords as other software stored them, and accounts at the command line.

use holt_engine::Clock;
use holt_engine::accounts::password::{Verdict, check, hash, verify, verify_login};
use holt_engine::accounts::{Added, Rank, add};
use holt_engine::directory::Directory;
use proptest::prelude::*;

const ASCII: &str = "correct horse";
const WIDE: &str = "pässwörd-密码-🦦";

/// Made by werkzeug 3.1.9 (`generate_password_hash`, and `hashlib` for the forms it only reads), sha256$/sha512$ by `hmac` as old releases did.
const VECTORS: &[(&str, &str)] = &[
    (
        ASCII,
        "scrypt:32768:8:1$qmFrdVZ5No2VWtU6$63b70a7af04d473b7053a5b084e42535b72aada9f8bf8abc8f0b8dd0b1b15091b51f53c6b2c45cb92e460746afa2132da1eb3b6f3c0c6c65355a69c0fd87613c",
    ),
    (
        ASCII,
        "scrypt:16384:8:1$xlLqcNQwWxizApjx$4a1947e0edab3140380eee95dc45a4505a659e4ccd4dbdbc2a6a7eba7c3af7ad3014576d0eef56da198199afcd17fc32e7ae6a0eaf7ac64bd90538b3bc14b4e8",
    ),
    (
        ASCII,
        "scrypt:1024:8:2$DAT9KYEuBKZqj1Te$a6f4af584f8d04ad6018109b28ed9b93d23b233d8235b4b36c5e1a05d2d35ccd57b4c35cc1269d690fd19d2d63ca8a45df18030b69b6354d2207edbd993e2d80",
    ),
    (ASCII, "pbkdf2:sha256:1000$rC7Tyf9mpgFKPZqT$ead49ed5fead6f9884339205ff1b86a3dfce74709767c31ab621cb02fccef983"),
    (
        ASCII,
        "pbkdf2:sha512:1000$wO4s4b8z2oL2lDQ3$e043f65beb316c8eac5a605301522f20a31766c347081543a2ae2e2e1bd3252de3d7f76742112a938249126e3dd8f32c22f73558d13c83a3d1f6aa928687098d",
    ),
    (ASCII, "pbkdf2:sha256:260000$nwTqwj09zvf6AVOF$73d39a4b8f71962212d68083b217f9db2d5ad6e7e059743bba514be1ded0cf9f"),
    (ASCII, "sha256$aBcD1234$8976b64531efd61995612f8c70f8b4ac294d62525543896e75bcc7c3e34447bd"),
    (
        ASCII,
        "sha512$aBcD1234$7c299cd8b93f7b0db15dbbdc20fecf23a615b635d132672dc608da2aea2a4e2736e738e2d5679e42fb781824c75d7aae408b674169cc7c1a8186661078e4110d",
    ),
    (
        ASCII,
        "scrypt$Zz9saltsaltsalt1$aabefbf2678a77034665032e37b1e775467e00ffa5c1ac772ee313e2e690e9c6b1a26f8a3533f18aeb92bf29d74e0acbaa92ea090a8825e9b1d5ba7dcfb266bb",
    ),
    (ASCII, "pbkdf2:sha256$Zz9saltsaltsalt1$dad54aa28d781cb0cc3c04fdb5e5dd2b1d7d0c859039695887f29d9c8f61044b"),
    (ASCII, "pbkdf2$Zz9saltsaltsalt1$dad54aa28d781cb0cc3c04fdb5e5dd2b1d7d0c859039695887f29d9c8f61044b"),
    (
        WIDE,
        "scrypt:32768:8:1$gVeI9sY8nvBEWz04$cdee53f3ad67f60d8d94194e8a7adba6f233f0a727dcc1147c10a41f57d5cf3bafca76f2f0254b5724df5a31b9713d9422c2e8f5f1c3586bc920d4b59fa3d105",
    ),
    (
        WIDE,
        "scrypt:1024:8:2$mBQMc1tauHx0z1ah$50e042c11da0ce23265eba633433c31eb071705ce4c60315f022b329b33cd0bcf4bb742c36c4b38941667e57370f3832004b5347b93b88d61e0befcbab42bdcb",
    ),
    (WIDE, "pbkdf2:sha256:1000$D06jlUz3EeozRuWx$f9334c1792177e7e129fc7d86c3263c9e77205770753951525bf8669a0aafd5c"),
    (
        WIDE,
        "pbkdf2:sha512:1000$hAjmkKVqfkRY9CWQ$92526afb3d3b096061a949791bae378689d2bc8bddec962f5ab71056f524b1586c08252abb12d43f0d0bedf7c66d3d2f09a8a48f85ab2952a0d49d6e37a993c3",
    ),
    (WIDE, "pbkdf2:sha256:260000$Rd6DqzmFL4J7RToR$69a825373db3f78fbded85181b3efc39087d617f833f3e86d2ea26bdb2415a5e"),
    (WIDE, "sha256$aBcD1234$e86e45a81496509b667c2d4d79c64cb69e9d35013ac629e6e47cb106cc262ac7"),
    (
        WIDE,
        "sha512$aBcD1234$115a916c8548ea41fdc1e647b4fa64d28ade9b7520f95fcf6a6cdc1fd71fcb4337325939965ac4dabe576b15ba08587736598e9beab4a5cadf829f19fb489030",
    ),
    (
        WIDE,
        "scrypt$Zz9saltsaltsalt1$7fe479efd435cb8202ca5f74fe315fa25ae182c729eafa32f20678efca928cedef603e5cd7d37226b8b6fdc0802e63d73ed2ab3e0b3e2b04e69edc7e8de2fa83",
    ),
];

#[test]
fn what_werkzeug_made_matches_and_asks_for_an_upgrade() {
    for (password, stored) in VECTORS {
        assert_eq!(verify(password, stored), Verdict::MatchUpgrade, "{stored}");
        assert_eq!(verify(&format!("{password} "), stored), Verdict::NoMatch, "{stored}");
    }
}

#[test]
fn new_hashes_are_argon2id_of_the_required_cost() {
    let stored = hash(WIDE).unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_eq!(verify(WIDE, &stored), Verdict::Match);
    assert_eq!(verify(ASCII, &stored), Verdict::NoMatch);
    assert_ne!(stored, hash(WIDE).unwrap(), "salted");
    assert_eq!(verify_login(WIDE, Some(&stored)), Verdict::Match);
    assert_eq!(verify_login(WIDE, None), Verdict::NoMatch);
    assert_eq!(verify_login("", Some("")), Verdict::NoMatch);
}

#[test]
fn weaker_argon2_is_upgraded_and_dear_argon2_refused() {
    // Made by argon2-cffi 25.1.0 with time_cost=1, memory_cost=8192.
    let weak = "$argon2id$v=19$m=8192,t=1,p=1$VeGMAFl1O2UZvDca/A/2wQ$79ZjTme0iP/h5QK+Q+Ll/F3AJ4UQaWZAxw1sXCyUdXU";
    assert_eq!((verify(ASCII, weak), verify(WIDE, weak)), (Verdict::MatchUpgrade, Verdict::NoMatch));
    for dear in ["m=4194304,t=2,p=1", "m=19456,t=4000000000,p=1", "m=19456,t=2,p=255"] {
        let stored = hash(ASCII).unwrap().replace("m=19456,t=2,p=1", dear);
        assert_eq!(verify(ASCII, &stored), Verdict::NoMatch, "{dear}");
    }
}

/// None of these may be computed: the test would not end, or the machine would run out of memory.
#[test]
fn dear_and_malformed_hashes_match_nothing() {
    let hex = "00".repeat(64);
    let hex32 = "00".repeat(32);
    for method in [
        "scrypt:1073741824:8:1",
        "scrypt:32768:8:1000000",
        "scrypt:32768:4294967295:1",
        "scrypt:0:8:1",
        "scrypt:3:8:1",
        "scrypt:1:8:1",
        "scrypt:32768:0:1",
        "scrypt:32768:8",
        "scrypt:-1:8:1",
        "scrypt:x:y:z",
    ] {
        assert_eq!(verify(ASCII, &format!("{method}$salt${hex}")), Verdict::NoMatch, "{method}");
    }
    for method in
        ["pbkdf2:sha256:4294967295", "pbkdf2:sha256:0", "pbkdf2:md5:1000", "pbkdf2:sha256:1000:1", "plain", "md5", "", "pbkdf2:sha256:+5"]
    {
        assert_eq!(verify(ASCII, &format!("{method}$salt${hex32}")), Verdict::NoMatch, "{method}");
    }
    for stored in [
        "",
        "$",
        "$$",
        "$$$",
        "scrypt:1024:8:1$salt$",
        "scrypt:1024:8:1$salt$abc",
        "scrypt:1024:8:1$salt$zz",
        "scrypt:1024:8:1$$00",
        "scrypt:1024:8:1$salt$00",
        "scrypt:1024:8:1$a$b$c",
        "plain$x$correct horse",
        "$argon2id$",
        "$argon2id$v=19$m=0,t=0,p=0$$",
        "$argon2d$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA",
        "correct horse",
    ] {
        assert_eq!(verify(ASCII, stored), Verdict::NoMatch, "{stored}");
    }
    // A prefix of the right key is not the right key.
    let (password, stored) = VECTORS[2];
    assert_eq!(verify(password, &stored[..stored.len() - 64]), Verdict::NoMatch);
}

proptest! {
    #[test]
    fn garbage_never_panics(stored in "(scrypt|pbkdf2|sha256|[$]argon2id[$]v=19)?[:$a-z0-9=,é-]{0,60}") {
        prop_assert_eq!(verify("x", &stored), Verdict::NoMatch);
    }
}

#[test]
fn rules_for_new_passwords() {
    assert!(check("1234567").is_err() && check("12345678").is_ok() && check("密码密码密码密码").is_ok());
    assert!(check(&"x".repeat(1025)).is_err());
    assert_eq!(verify(&"x".repeat(1025), &hash("x").unwrap()), Verdict::NoMatch);
    assert_eq!(verify_login(&"é".repeat(5000), None), Verdict::NoMatch);
}

#[test]
fn adding_twice_changes_the_password_and_logs_out() {
    let dir = tempfile::tempdir().unwrap();
    let directory = Directory::open(&dir.path().join("holt.db")).unwrap();
    let clock = Clock::fixed(1000);
    assert_eq!(add(&directory, &clock, "Ann@Example.org", None, "first password", Rank::Operator).unwrap(), Added::New);
    let ann = directory.user_by_email("ann@example.org").unwrap().unwrap();
    assert_eq!((ann.name.as_str(), ann.rank, ann.person().operator), ("ann", Rank::Operator, true));
    let session = directory.create_session(ann.id, None, 1000).unwrap();
    assert_eq!(add(&directory, &clock, "ann@example.org", Some("Ann"), "second password", Rank::Member).unwrap(), Added::PasswordChanged);
    let ann = directory.user_by_email("ANN@example.org").unwrap().unwrap();
    assert_eq!((ann.name.as_str(), ann.rank), ("Ann", Rank::Operator), "a rank is not taken away by the way");
    let stored = ann.password_hash.unwrap();
    assert_eq!((verify("second password", &stored), verify("first password", &stored)), (Verdict::Match, Verdict::NoMatch));
    assert!(directory.session(session.expose(), None, 1000).unwrap().is_none());
    for (email, name, password) in
        [("no address", None, "long enough"), ("b@example.org", Some("<b>"), "long enough"), ("b@example.org", None, "short")]
    {
        assert!(add(&directory, &clock, email, name, password, Rank::Member).is_err());
    }
    assert!(directory.user_by_email("b@example.org").unwrap().is_none());
}
