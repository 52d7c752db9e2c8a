//! The partitions of AWS: regions that share a domain.
//!
//! Source: the partitions file that all SDKs carry, as of botocore 1.44 (2026-11).
//! A test compares this table with the file of the botocore that is installed.

/// Regions that share a domain, and how their names are recognised.
pub(crate) struct Partition {
    /// What stands before `-word-number` in the name of a region.
    heads: &'static [&'static str],
    /// The region that stands for the partition as a whole.
    global: Option<&'static str>,
    pub(crate) dns_suffix: &'static str,
    /// `None` where there are no dual-stack endpoints.
    pub(crate) dual_stack_suffix: Option<&'static str>,
    pub(crate) has_fips: bool,
}

const PARTITIONS: [Partition; 8] = [
    // First, because it is also where unknown regions belong.
    Partition {
        heads: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
        global: Some("aws-global"),
        dns_suffix: "amazonaws.com",
        dual_stack_suffix: Some("api.aws"),
        has_fips: true,
    },
    Partition {
        heads: &["cn"],
        global: Some("aws-cn-global"),
        dns_suffix: "amazonaws.com.cn",
        dual_stack_suffix: Some("api.amazonwebservices.com.cn"),
        has_fips: true,
    },
    Partition {
        heads: &["eusc-de"],
        global: None,
        dns_suffix: "amazonaws.eu",
        dual_stack_suffix: Some("api.amazonwebservices.eu"),
        has_fips: true,
    },
    Partition {
        heads: &["us-iso"],
        global: Some("aws-iso-global"),
        dns_suffix: "c2s.ic.gov",
        dual_stack_suffix: Some("api.aws.ic.gov"),
        has_fips: true,
    },
    Partition {
        heads: &["us-isob"],
        global: Some("aws-iso-b-global"),
        dns_suffix: "sc2s.sgov.gov",
        dual_stack_suffix: Some("api.aws.scloud"),
        has_fips: true,
    },
    Partition {
        heads: &["eu-isoe"],
        global: Some("aws-iso-e-global"),
        dns_suffix: "cloud.adc-e.uk",
        dual_stack_suffix: Some("api.cloud-aws.adc-e.uk"),
        has_fips: true,
    },
    Partition {
        heads: &["us-isof"],
        global: Some("aws-iso-f-global"),
        dns_suffix: "csp.hci.ic.gov",
        dual_stack_suffix: Some("api.aws.hci.ic.gov"),
        has_fips: true,
    },
    Partition {
        heads: &["us-gov"],
        global: Some("aws-us-gov-global"),
        dns_suffix: "amazonaws.com",
        dual_stack_suffix: Some("api.aws"),
        has_fips: true,
    },
];

impl Partition {
    /// The partition of a region; one that no partition knows is commercial.
    pub(crate) fn of(region: &str) -> &'static Self {
        PARTITIONS
            .iter()
            .find(|partition| partition.has(region))
            .unwrap_or(&PARTITIONS[0])
    }

    #[cfg(test)]
    pub(crate) fn example(has_fips: bool, dual_stack_suffix: Option<&'static str>) -> Self {
        Self {
            heads: &[],
            global: None,
            dns_suffix: "example",
            dual_stack_suffix,
            has_fips,
        }
    }

    fn has(&self, region: &str) -> bool {
        self.global == Some(region) || self.heads.iter().any(|head| is_below(head, region))
    }
}

/// Whether a region is `head-word-number`.
fn is_below(head: &str, region: &str) -> bool {
    region
        .strip_prefix(head)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(word, number)| {
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(region: &str, dns_suffix: &str) {
        assert_eq!(Partition::of(region).dns_suffix, dns_suffix, "{region}");
    }

    #[test]
    fn names_that_only_begin_like_a_partition_are_commercial() {
        check("cn-north-1", "amazonaws.com.cn");
        check("cn-north", "amazonaws.com");
        check("cn-north-x", "amazonaws.com");
        check("cn--1", "amazonaws.com");
        check("aws-cn-global", "amazonaws.com.cn");
        check("aws-cn-globe", "amazonaws.com");
        check("eusc-fr-east-1", "amazonaws.com");
        check("us-iso-east-1", "c2s.ic.gov");
        check("us-isob-east-1", "sc2s.sgov.gov");
        check("us-iso-east-one-1", "amazonaws.com");
        check("local", "amazonaws.com");
    }
}
