//! Names: what a word of the model is called in Rust. Every generated name
//! comes from here.

/// Words that are keywords of Rust and may stand as raw identifiers.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// Types that every module sees, or that generated code names.
const TAKEN: &[&str] = &[
    "BTreeMap",
    "Box",
    "Clone",
    "Debug",
    "Default",
    "Deserialize",
    "Drop",
    "Eq",
    "Err",
    "Fn",
    "From",
    "Into",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "Result",
    "Send",
    "Serialize",
    "Some",
    "String",
    "Sync",
    "Timestamp",
    "Vec",
];

/// `enableECSManagedTags` as a field: `enable_ecs_managed_tags`.
pub(crate) fn field(wire: &str) -> String {
    let name = snake(wire);
    match name.as_str() {
        "self" | "super" | "crate" => format!("{name}_"),
        _ if KEYWORDS.contains(&name.as_str()) => format!("r#{name}"),
        _ => name,
    }
}

/// `RunTask` as the name of a module: `run_task`.
pub(crate) fn snake(text: &str) -> String {
    let words: Vec<String> = words(text).iter().map(|word| word.to_lowercase()).collect();
    words.join("_")
}

/// `EFSVolumeConfiguration` as a type: `EfsVolumeConfiguration`.
pub(crate) fn type_name(shape: &str) -> String {
    let name = camel(shape);
    if TAKEN.contains(&name.as_str()) {
        format!("{name}Shape")
    } else {
        name
    }
}

/// `MANAGED_INSTANCES` as a variant: `ManagedInstances`. `UNKNOWN` is
/// `UnknownValue`, because `Unknown` holds the values nobody knows.
pub(crate) fn variant(wire: &str) -> String {
    match camel(wire).as_str() {
        "Unknown" => "UnknownValue".to_owned(),
        "Self" => "SelfValue".to_owned(),
        name if name.starts_with(|first: char| first.is_ascii_digit()) => format!("V{name}"),
        name => name.to_owned(),
    }
}

fn camel(text: &str) -> String {
    let mut name = String::new();
    for word in words(text) {
        let ends_in_digit = name.ends_with(|last: char| last.is_ascii_digit());
        if ends_in_digit && word.starts_with(|first: char| first.is_ascii_digit()) {
            name.push('_');
        }
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(&letters.as_str().to_lowercase());
    }
    name
}

/// Splits at `_`, `-` and where the case says that a word begins.
fn words(text: &str) -> Vec<String> {
    // Units and protocol names whose case is not that of words.
    let text = text
        .replace("IPv", "Ipv")
        .replace("MiB", "Mib")
        .replace("GiB", "Gib");
    text.split(['_', '-'])
        .filter(|part| !part.is_empty())
        .flat_map(camel_words)
        .collect()
}

fn camel_words(part: &str) -> Vec<String> {
    let letters: Vec<char> = part.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        let previous = at.checked_sub(1).map(|before| letters[before]);
        let next_is_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let begins = letter.is_uppercase()
            && previous.is_some_and(|previous| !previous.is_uppercase() || next_is_lower);
        if begins {
            words.push(std::mem::take(&mut word));
        }
        word.push(letter);
    }
    words.push(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: fn(&str) -> String, cases: &[(&str, &str)]) {
        for (wire, expected) in cases {
            assert_eq!(name(wire), *expected, "{wire}");
        }
    }

    #[test]
    fn fields_are_snake_case_and_no_keywords() {
        check(
            field,
            &[
                ("type", "r#type"),
                ("self", "self_"),
                ("ARN", "arn"),
                ("taskArn", "task_arn"),
                ("enableECSManagedTags", "enable_ecs_managed_tags"),
                ("ec2InstanceId", "ec2_instance_id"),
                ("privateIPv4Address", "private_ipv4_address"),
                ("privateIpv4Address", "private_ipv4_address"),
                ("s3filesVolumeConfiguration", "s3files_volume_configuration"),
                ("s3KeyPrefix", "s3_key_prefix"),
                ("managedEBSVolume", "managed_ebs_volume"),
                ("webACLArn", "web_acl_arn"),
                ("bindIP", "bind_ip"),
                ("sizeInGiB", "size_in_gib"),
                ("totalLocalStorageGB", "total_local_storage_gb"),
                ("memoryGiBPerVCpu", "memory_gib_per_v_cpu"),
            ],
        );
    }

    #[test]
    fn types_are_upper_camel_and_leave_the_prelude_alone() {
        check(
            type_name,
            &[
                ("Task", "Task"),
                ("EFSVolumeConfiguration", "EfsVolumeConfiguration"),
                (
                    "TaskManagedEBSVolumeConfiguration",
                    "TaskManagedEbsVolumeConfiguration",
                ),
                ("OSFamily", "OsFamily"),
                ("PropagateMITags", "PropagateMiTags"),
                ("VCpuCountRangeRequest", "VCpuCountRangeRequest"),
                ("Result", "ResultShape"),
                ("Option", "OptionShape"),
            ],
        );
    }

    #[test]
    fn variants_are_upper_camel_whatever_the_wire_prefers() {
        check(
            variant,
            &[
                ("EC2", "Ec2"),
                ("MANAGED_INSTANCES", "ManagedInstances"),
                ("distinctInstance", "DistinctInstance"),
                ("EssentialContainerExited", "EssentialContainerExited"),
                ("json-file", "JsonFile"),
                ("X86_64", "X86_64"),
                ("ARM64", "Arm64"),
                ("WINDOWS_SERVER_20H2_CORE", "WindowsServer20H2Core"),
                ("fargateFIPSMode", "FargateFipsMode"),
                ("UNKNOWN", "UnknownValue"),
                ("32", "V32"),
            ],
        );
    }

    #[test]
    fn modules_are_named_after_operations() {
        check(
            snake,
            &[
                ("RunTask", "run_task"),
                ("DescribeDaemon", "describe_daemon"),
            ],
        );
    }
}
