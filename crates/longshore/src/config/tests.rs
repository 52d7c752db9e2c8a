//! Files and flags as they are read, and what is wrong with them.

use expect_test::{Expect, expect};

use super::*;

#[track_caller]
fn check(file: &str, flags: UpArguments, expected: Expect) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("longshore.toml");
    std::fs::write(&path, file).unwrap();
    let text = match Config::load(Some(&path), &flags) {
        Ok(config) => toml::to_string(&config).unwrap(),
        Err(error) => error
            .to_string()
            .replace(&path.display().to_string(), "FILE"),
    };
    expected.assert_eq(&text);
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    check(
        "region = 'eu-west-1'\naccount = '123456789012'\n[retention]\nstopped-tasks = 7200\n",
        UpArguments {
            region: Some("eu-north-1".into()),
            ..UpArguments::default()
        },
        expect![[r#"
            listen = "127.0.0.1:8327"
            driver = "auto"
            auth = "required"
            region = "eu-north-1"
            account = "123456789012"
            consistency-delay = "0s"

            [retention]
            stopped-tasks = 7200

            [capacity]
            provisioning-timeout = 900

            [network]

            [volumes]
            bind = []

            [registry]
            insecure = []

            [docker]

            [endpoints]

            [scripted]

            [metrics]
            open = false
        "#]],
    );
}

#[test]
fn a_delay_of_reads_is_a_duration_of_at_most_a_minute() {
    let delay = |text| UpArguments {
        consistency_delay: humantime::parse_duration(text).ok(),
        ..UpArguments::default()
    };
    check(
        "consistency-delay = '2s'",
        delay("61s"),
        expect!["--consistency-delay must be at most 60s, but is 1m 1s"],
    );
    check(
        "consistency-delay = 'soon'",
        UpArguments::default(),
        expect!["configuration FILE, line 1, column 21: expected number at 0"],
    );
    let config = Config::load(None, &delay("1500ms")).unwrap();
    assert_eq!(config.consistency_delay, Duration::from_millis(1500));
}

#[test]
fn unknown_keys_are_named() {
    check(
        "regoin = 'x'",
        UpArguments::default(),
        expect![[r#"
            configuration FILE, line 1, column 1: unknown field `regoin`, expected one of `listen`, `driver`, `auth`, `region`, `account`, `allowed-hosts`, `consistency-delay`, `secrets`, `retention`, `capacity`, `network`, `volumes`, `registry`, `docker`, `endpoints`, `scripted`, `metrics`, `instance`"#]],
    );
    check(
        "region = 'x'\n[network]\n  pool = 3\n",
        UpArguments::default(),
        expect![
            "configuration FILE, line 3, column 10: invalid type: integer `3`, expected a string"
        ],
    );
}

#[test]
fn a_pool_is_a_network_with_room() {
    let pool = |text: &str| Config::embedded(&format!("network.pool = '{text}'"));
    let config = pool("10.9.0.0/16").unwrap();
    let shown = toml::to_string(&config.network).unwrap();
    assert_eq!(shown, "pool = \"10.9.0.0/16\"\n");
    let refused = |text| pool(text).unwrap_err().to_string();
    assert_eq!(
        refused("10.9.0.0"),
        "configuration: '10.9.0.0' is not an IPv4 network like 10.231.0.0/16"
    );
    assert_eq!(
        refused("10.9.0.0/30"),
        "configuration: network.pool must be /29 or larger, but is 10.9.0.0/30"
    );
}

#[test]
fn mirrors_are_names_of_registries() {
    let refused = Config::embedded("[registry.mirrors]\necr = 'localhost:5000'\n").unwrap_err();
    let begin = "configuration: mirror `ecr` = `localhost:5000` is not valid";
    assert!(refused.to_string().starts_with(begin), "{refused}");
}

#[test]
fn folders_for_volumes_are_absolute() {
    check(
        "[volumes]\nbind = ['/srv', '/srv/../etc']\n",
        UpArguments::default(),
        expect![[
            r#"configuration: volumes.bind must be an absolute path without '..', but is '/srv/../etc'"#
        ]],
    );
    check(
        "[volumes.efs]\nfs-1 = 'efs'\n",
        UpArguments::default(),
        expect![[
            r#"configuration: volumes.efs.fs-1 must be an absolute path without '..', but is 'efs'"#
        ]],
    );
}

#[test]
fn instances_are_checked_and_shown_as_given() {
    check(
        "[[instance]]\nname = 'a'\ncpu = 1024\nmemory = 2048\nzone = 'us-east-1b'\n\
         attributes = { stack = 'prod' }\n",
        UpArguments::default(),
        expect![[r#"
            listen = "127.0.0.1:8327"
            driver = "auto"
            auth = "required"
            region = "us-east-1"
            account = "000000000000"
            consistency-delay = "0s"

            [retention]
            stopped-tasks = 3600

            [capacity]
            provisioning-timeout = 900

            [network]

            [volumes]
            bind = []

            [registry]
            insecure = []

            [docker]

            [endpoints]

            [scripted]

            [metrics]
            open = false

            [[instance]]
            name = "a"
            cpu = 1024
            memory = 2048
            zone = "us-east-1b"

            [instance.attributes]
            stack = "prod"
        "#]],
    );
    check(
        "[[instance]]\nname = 'a'\ncpu = 0\nmemory = 2048\n",
        UpArguments::default(),
        expect![
            "configuration: instance 'a': its cpu (1024 per core) and memory (MiB) must be at least 1"
        ],
    );
    check(
        "[[instance]]\nname = 'a'\n",
        UpArguments::default(),
        expect!["configuration FILE, line 1, column 1: missing field `cpu`"],
    );
}

#[test]
fn an_open_door_is_refused() {
    let flags = UpArguments {
        auth: Some(AuthMode::None),
        listen: Some("0.0.0.0:8327".into()),
        ..UpArguments::default()
    };
    check(
        "",
        flags,
        expect![
            "--auth none is allowed on a loopback address only, but --listen is '0.0.0.0:8327': anybody who reaches the port could run containers here"
        ],
    );
}

#[test]
fn wrong_values_say_what_is_right() {
    let account = UpArguments {
        account: Some("12".into()),
        ..UpArguments::default()
    };
    check(
        "",
        account,
        expect!["--account must be 12 digits, but is '12'"],
    );
    let listen = UpArguments {
        listen: Some("8327".into()),
        ..UpArguments::default()
    };
    check(
        "",
        listen,
        expect!["--listen must be an address with a port like 127.0.0.1:8327, but is '8327'"],
    );
}
#[test]
fn networks_are_declared_and_checked() {
    let two = "[[network.vpc]]\nid = 'vpc-1'\nsubnets = ['subnet-1', 'subnet-2']\n\
               security-groups = ['sg-1']\n[[network.vpc]]\nid = 'vpc-2'\n";
    let load = |more: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("longshore.toml");
        std::fs::write(&path, format!("{two}{more}")).unwrap();
        Config::load(Some(&path), &UpArguments::default())
    };
    let config = load("subnets = ['subnet-3']\nsecurity-groups = []\n").unwrap();
    let shown = toml::to_string(&config.network).unwrap();
    expect![[r#"
        [[vpc]]
        id = "vpc-1"
        subnets = ["subnet-1", "subnet-2"]
        security-groups = ["sg-1"]

        [[vpc]]
        id = "vpc-2"
        subnets = ["subnet-3"]
        security-groups = []
    "#]]
    .assert_eq(&shown);
    let refused = |more: &str| load(more).unwrap_err().to_string();
    assert_eq!(
        refused("subnets = ['subnet-2']\n"),
        "configuration: network.vpc 'vpc-2': subnet-2 belongs to vpc-1 already"
    );
    assert_eq!(
        refused("subnets = ['subnet-3']\nsecurity-groups = ['sg-1']\n"),
        "configuration: network.vpc 'vpc-2': sg-1 belongs to vpc-1 already"
    );
    assert_eq!(
        refused("subnets = []\n"),
        "configuration: network.vpc 'vpc-2': it needs at least one subnet"
    );
    assert_eq!(
        refused("subnets = ['subnet-3']\n[[network.vpc]]\nid = 'vpc-1'\nsubnets = ['s']\n"),
        "configuration: network.vpc 'vpc-1': there are two of that id"
    );
}
