//! Volumes, secrets, logs, ports and settings of the kernel's side.

use serde_json::json;

use super::{body, check, check_shown, main};
use crate::registration::secrets::is_source;
use crate::testing::copies;

const ROLE: &str = r#","executionRoleArn":"arn:aws:iam::000000000000:role/r""#;

#[test]
fn each_kind_of_volume_has_what_it_needs() {
    let with = |kind: &str| main("", &format!(r#","volumes":[{{"name":"v",{kind}}}]"#));
    let efs = |more: &str| with(&format!(r#""efsVolumeConfiguration":{{{more}}}"#));
    check(&efs(""), "Volume 'v' needs a fileSystemId.");
    let fs = r#""fileSystemId":"fs-1""#;
    check(
        &efs(&format!(r#"{fs},"transitEncryption":"MOON""#)),
        "transitEncryption should be one of [ENABLED,DISABLED], but was MOON.",
    );
    let authorized =
        |auth: &str, more: &str| efs(&format!(r#"{fs},"authorizationConfig":{{{auth}}}{more}"#));
    check(
        &authorized(r#""iam":"MOON""#, ""),
        "iam should be one of [ENABLED,DISABLED], but was MOON.",
    );
    let point = r#""accessPointId":"fsap-1""#;
    check(
        &authorized(point, r#","rootDirectory":"/data""#),
        "When using an EFS access point, the root directory must either be set to \"/\" or be \
         omitted",
    );
    for root in ["", r#","rootDirectory":"/""#] {
        check_shown(&authorized(point, root), "revision", json!(1));
    }
    for encryption in ["", r#","transitEncryption":"DISABLED""#] {
        check(
            &authorized(r#""iam":"ENABLED""#, encryption),
            "EFS IAM authorization requires TransitEncryption to be enabled",
        );
    }
    let encrypted = authorized(r#""iam":"ENABLED""#, r#","transitEncryption":"ENABLED""#);
    check_shown(&encrypted, "revision", json!(1));
    let docker = |more: &str| with(&format!(r#""dockerVolumeConfiguration":{{{more}}}"#));
    check(
        &docker(r#""scope":"moon""#),
        "scope should be one of [task,shared], but was moon.",
    );
    for scope in ["", r#""scope":"task","#] {
        check(
            &docker(&format!(r#"{scope}"autoprovision":true"#)),
            "Volume 'v' can have autoprovision with scope shared only.",
        );
    }
    let shared = docker(r#""scope":"shared","autoprovision":true"#);
    check_shown(&shared, "revision", json!(1));
    check(
        &with(r#""s3filesVolumeConfiguration":{}"#),
        "Volume 'v' needs a fileSystemArn.",
    );
    check(
        &with(r#""s3filesVolumeConfiguration":{"fileSystemArn":"arn"}"#),
        "Volume 'v' of S3 Files needs a taskRoleArn.",
    );
    let fsx = |more: &str| {
        with(&format!(
            r#""fsxWindowsFileServerVolumeConfiguration":{{{more}}}"#
        ))
    };
    check(&fsx(""), "Volume 'v' needs a fileSystemId.");
    check(&fsx(fs), "Volume 'v' needs a rootDirectory.");
    let rooted = format!(r#"{fs},"rootDirectory":"share""#);
    check(&fsx(&rooted), "Volume 'v' needs a credentialsParameter.");
    let known = format!(r#"{rooted},"authorizationConfig":{{"credentialsParameter":"c"}}"#);
    check(&fsx(&known), "Volume 'v' needs a domain.");
}

#[test]
fn a_mount_point_says_where() {
    let volume = r#","volumes":[{"name":"v"}]"#;
    check(
        &main(r#","mountPoints":[{"sourceVolume":"v"}]"#, volume),
        "The mount point of volume 'v' needs a containerPath.",
    );
    let whole = r#","mountPoints":[{"sourceVolume":"v","containerPath":"/v"}]"#;
    check_shown(&main(whole, volume), "revision", json!(1));
}

#[test]
fn secrets_have_unique_names_a_source_and_a_role() {
    let with = |secrets: &str| main(&format!(r#","secrets":[{secrets}]"#), ROLE);
    let one = r#"{"name":"A","valueFrom":"a"}"#;
    check_shown(&with(one), "revision", json!(1));
    for torn in [
        "{}",
        r#"{"name":"A"}"#,
        r#"{"valueFrom":"a"}"#,
        r#"{"name":"","valueFrom":"a"}"#,
    ] {
        check(
            &with(torn),
            "The secrets of container 'main' need name and valueFrom.",
        );
    }
    check(
        &with(r#"{"name":"A","valueFrom":"arn:aws:s3:::a/b"}"#),
        "The secrets of container 'main' name 'arn:aws:s3:::a/b', which is neither the ARN of a \
         secret or a parameter nor the name of a parameter.",
    );
    check(
        &with(&format!("{one},{one}")),
        "The secret name must be unique and not shared with any new or existing environment \
         variables set on the container, such as 'A'.",
    );
    let role = "When you are specifying container secrets, you must also specify a value for \
                'executionRoleArn'.";
    let log = r#","logConfiguration":{"logDriver":"splunk","options":{"splunk-url":"u"},
        "secretOptions":[{"name":"splunk-token","valueFrom":"t"}]}"#;
    for blank in ["", r#","executionRoleArn":"""#] {
        check(&main(&format!(r#","secrets":[{one}]"#), blank), role);
        check(&main(log, blank), role);
    }
    check_shown(&main(log, ROLE), "revision", json!(1));
}

#[test]
fn a_secret_comes_from_one_of_three_places() {
    let secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:name-abcdef";
    for good in [
        "name",
        "/path/to/name",
        "arn:aws:ssm:us-east-1:000000000000:parameter/path/name",
        secret,
        &format!("{secret}:key::"),
        &format!("{secret}:key:stage:version"),
        &format!("{secret}:::"),
    ] {
        assert!(is_source(good), "{good}");
    }
    for bad in [
        "two words",
        "arn:aws:ssm:us-east-1:000000000000:parameter",
        "arn:aws:ssm:us-east-1:000000000000:parameter/",
        "arn:aws:secretsmanager:us-east-1:000000000000:name-abcdef",
        &format!("{secret}:key"),
        &format!("{secret}:key:stage:version:more"),
        "arn:aws:s3:::bucket/key",
        "arn:moon",
    ] {
        assert!(!is_source(bad), "{bad}");
    }
}

#[test]
fn logs_have_the_options_and_the_router_they_need() {
    let log = |driver: &str, options: &str| {
        format!(r#","logConfiguration":{{"logDriver":"{driver}","options":{{{options}}}}}"#)
    };
    let check = |members: &str, expected: &str| check(&main(members, ""), expected);
    for options in ["", r#""splunk-url":"u""#] {
        check(
            &log("splunk", options),
            "Log driver splunk requires options: splunk-token, splunk-url",
        );
    }
    check(
        &log("json-file", r#""mode":"moon""#),
        "mode should be one of [blocking,non-blocking], but was moon.",
    );
    let routed = log("awsfirelens", "");
    check(
        &routed,
        "Log driver awsfirelens requires a container with a firelensConfiguration.",
    );
    let router = |more: &str| format!(r#","firelensConfiguration":{{{more}}}"#);
    check(
        &router(r#""type":"moon""#),
        "firelensConfiguration.type should be one of [fluentd,fluentbit], but was moon.",
    );
    check(
        &router(r#""type":"fluentbit","options":{"config-file-type":"moon"}"#),
        "config-file-type should be one of [s3,file], but was moon.",
    );
    let fluent = router(r#""type":"fluentbit""#);
    let one =
        |name: &str, more: &str| format!(r#"{{"name":"{name}","image":"i","memory":64{more}}}"#);
    let pair = |second: &str| body(&format!("{},{}", one("a", &fluent), one("b", second)), "");
    check_shown(&pair(&routed), "revision", json!(1));
    super::check(
        &pair(&fluent),
        "At most one container can have a firelensConfiguration.",
    );
}

#[test]
fn ranges_of_ports_are_few_and_do_not_overlap() {
    let with = |mappings: &str| main(&format!(r#","portMappings":[{mappings}]"#), "");
    let range = |first: usize, last: usize| format!(r#"{{"containerPortRange":"{first}-{last}"}}"#);
    let many = |count: usize| {
        let all: Vec<String> = (1..=count).map(|at| range(at * 10, at * 10 + 9)).collect();
        all.join(",")
    };
    check_shown(&with(&many(100)), "revision", json!(1));
    check(
        &with(&many(101)),
        "Container 'main' can have at most 100 port ranges.",
    );
    let overlap = "The port ranges of container 'main' overlap.";
    check(
        &with(&format!("{},{}", range(20, 30), range(10, 20))),
        overlap,
    );
    check(
        &with(&format!(r#"{},{{"containerPort":15}}"#, range(10, 20))),
        overlap,
    );
    let udp = r#"{"containerPortRange":"10-20","protocol":"udp"}"#;
    check_shown(
        &with(&format!("{},{udp}", range(10, 20))),
        "revision",
        json!(1),
    );
    check(
        &with(r#"{"containerPort":80,"appProtocol":"moon"}"#),
        "appProtocol should be one of [http,http2,grpc], but was moon.",
    );
}

#[test]
fn network_modes_rule_out_names_and_links() {
    let awsvpc = r#","networkMode":"awsvpc""#;
    let check = |members: &str, more: &str, expected: &str| check(&main(members, more), expected);
    check(
        r#","hostname":"h""#,
        awsvpc,
        "hostname cannot be used with networkMode 'awsvpc'.",
    );
    let hosts = r#","extraHosts":[{"hostname":"h","ipAddress":"10.0.0.1"}]"#;
    check(
        hosts,
        awsvpc,
        "extraHosts cannot be used with networkMode 'awsvpc'.",
    );
    check(
        r#","links":["other:o"]"#,
        "",
        "Cannot link to container 'other' because it does not exist",
    );
    for mode in ["awsvpc", "host", "none"] {
        check(
            r#","links":["other"]"#,
            &format!(r#","networkMode":"{mode}""#),
            &format!("links cannot be used with networkMode '{mode}'."),
        );
    }
    for allowed in [r#","hostname":"h""#, hosts] {
        check_shown(&main(allowed, ""), "revision", json!(1));
    }
}

#[test]
fn environment_files_are_few_and_end_in_env() {
    let with = |files: &str| main(&format!(r#","environmentFiles":[{files}]"#), "");
    let file = r#"{"type":"s3","value":"arn:aws:s3:::b/e.env"}"#;
    check_shown(&with(&copies(file, 10)), "revision", json!(1));
    check(
        &with(&copies(file, 11)),
        "Container 'main' can have at most 10 environment files.",
    );
    check(
        &with(&file.replace(".env", ".txt")),
        "Container 'main' has the environment file 'arn:aws:s3:::b/e.txt', which must end in .env.",
    );
}

#[test]
fn words_and_numbers_of_the_kernel_are_checked() {
    let task = |member: &str, expected: &str| check(&main("", &format!(",{member}")), expected);
    task(
        r#""pidMode":"moon""#,
        "pidMode should be one of [host,task], but was moon.",
    );
    task(
        r#""ipcMode":"moon""#,
        "ipcMode should be one of [host,task,none], but was moon.",
    );
    task(
        r#""runtimePlatform":{"cpuArchitecture":"moon"}"#,
        "cpuArchitecture should be one of [X86_64,ARM64], but was moon.",
    );
    task(
        r#""proxyConfiguration":{"type":"moon","containerName":"main"}"#,
        "proxyConfiguration.type should be one of [APPMESH], but was moon.",
    );
    let one = |member: &str, expected: &str| check(&main(&format!(",{member}"), ""), expected);
    one(
        r#""versionConsistency":"moon""#,
        "versionConsistency should be one of [enabled,disabled], but was moon.",
    );
    one(
        r#""resourceRequirements":[{"type":"GPU","value":"half"}]"#,
        "Container 'main' asks for 'half' GPUs, which should be a whole number from 1 up.",
    );
    one(
        r#""restartPolicy":{"restartAttemptPeriod":60}"#,
        "The restartPolicy of container 'main' needs 'enabled'.",
    );
    let linux = |member: &str| format!(r#","linuxParameters":{{{member}}}"#);
    for (member, bad) in [
        ("swappiness", "-1"),
        ("swappiness", "101"),
        ("maxSwap", "-1"),
        ("sharedMemorySize", "-1"),
        ("tmpfs", r#"[{"containerPath":"/t"}]"#),
        ("tmpfs", r#"[{"containerPath":"/t","size":0}]"#),
        ("tmpfs", r#"[{"size":1}]"#),
        ("devices", r#"[{"containerPath":"/d"}]"#),
    ] {
        check(
            &main(&linux(&format!(r#""{member}":{bad}"#)), ""),
            &format!("Invalid '{member}' setting for container 'main'."),
        );
    }
    check(
        &main(
            &linux(r#""devices":[{"hostPath":"/d","permissions":["moon"]}]"#),
            "",
        ),
        "permissions should be one of [read,write,mknod], but was moon.",
    );
    for good in [
        r#""swappiness":0"#,
        r#""swappiness":100"#,
        r#""maxSwap":0"#,
        r#""tmpfs":[{"containerPath":"/t","size":1}]"#,
        r#""devices":[{"hostPath":"/d","permissions":["read","write","mknod"]}]"#,
    ] {
        check_shown(&main(&linux(good), ""), "revision", json!(1));
    }
}

#[test]
fn the_size_of_the_scratch_space_is_checked_wherever_the_task_may_run() {
    let with = |storage: &str| main("", &format!(r#","ephemeralStorage":{storage}"#));
    check(&with("{}"), "ephemeralStorage needs a sizeInGiB.");
    check(
        &with(r#"{"sizeInGiB":20}"#),
        "EphemeralStorage size should be at least 21",
    );
    check(
        &with(r#"{"sizeInGiB":201}"#),
        "EphemeralStorage size should be at most 200",
    );
    check_shown(&with(r#"{"sizeInGiB":21}"#), "revision", json!(1));
}

#[test]
fn windows_tasks_of_fargate_have_1_to_4_cpus() {
    let sized = |cpu: u32, memory: u32, family: &str| {
        let more = format!(
            r#","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"{cpu}",
                "memory":"{memory}","runtimePlatform":{{"operatingSystemFamily":"{family}"}}"#
        );
        main("", &more)
    };
    let windows = "WINDOWS_SERVER_2022_CORE";
    for (cpu, memory) in [(256, 512), (512, 1024), (8192, 16384)] {
        check_shown(&sized(cpu, memory, "LINUX"), "revision", json!(1));
        check(
            &sized(cpu, memory, windows),
            &crate::sizes::no_fargate_configuration(&cpu.to_string(), &memory.to_string()).message,
        );
    }
    for (cpu, memory) in [(1024, 2048), (4096, 8192)] {
        check_shown(&sized(cpu, memory, windows), "revision", json!(1));
    }
}

#[test]
fn secrets_of_both_kinds_require_both_attributes() {
    let secrets = r#","secrets":[{"name":"A","valueFrom":"a"},{"name":"B",
        "valueFrom":"arn:aws:secretsmanager:us-east-1:000000000000:secret:b-abcdef"}]"#;
    check_shown(
        &main(secrets, ROLE),
        "requiresAttributes",
        json!([
            {"name": "ecs.capability.secrets.asm.environment-variables"},
            {"name": "ecs.capability.secrets.ssm.environment-variables"},
        ]),
    );
}
