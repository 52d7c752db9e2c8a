//! Subnets and security groups of a request, looked up in the VPCs that the operator has declared
//! (`run-task.md` §5.3, §7).

use model::shapes::AwsVpcConfiguration;

use crate::cx::{Settings, Vpc};
use crate::error::OpError;

/// All of them exist, in one VPC. Without declared VPCs nothing is looked up.
pub(super) fn check(settings: &Settings, given: &AwsVpcConfiguration) -> Result<(), OpError> {
    if settings.vpcs.is_empty() {
        return Ok(());
    }
    let subnets = given.subnets.as_deref().unwrap_or_default();
    let groups = given.security_groups.as_deref().unwrap_or_default();
    let Some(vpc) = of_subnets(&settings.vpcs, subnets)? else {
        return Ok(());
    };
    check_groups(&settings.vpcs, vpc, groups)
}

/// The VPC of all subnets; `None` without any.
fn of_subnets<'a>(vpcs: &'a [Vpc], subnets: &[String]) -> Result<Option<&'a Vpc>, OpError> {
    let mut first: Option<(&String, &Vpc)> = None;
    for subnet in subnets {
        let found = vpcs.iter().find(|vpc| vpc.subnets.contains(subnet));
        let Some(vpc) = found else {
            return Err(not_found(
                "subnet",
                subnets,
                "subnet ID",
                subnet,
                "InvalidSubnetID",
            ));
        };
        match first {
            Some((other, known)) if known.id != vpc.id => {
                return Err(OpError::invalid_parameter(format!(
                    "Subnet {subnet} of {} does not belong to the same VPC as {other} of {}. \
                     Choose subnets of one VPC.",
                    vpc.id, known.id
                )));
            }
            Some(_) => {}
            None => first = Some((subnet, vpc)),
        }
    }
    Ok(first.map(|(_, vpc)| vpc))
}

fn check_groups(vpcs: &[Vpc], own: &Vpc, groups: &[String]) -> Result<(), OpError> {
    for group in groups {
        let found = vpcs.iter().find(|vpc| vpc.security_groups.contains(group));
        match found {
            None => {
                let what = "security group";
                return Err(not_found(what, groups, what, group, "InvalidGroup"));
            }
            Some(vpc) if vpc.id != own.id => {
                return Err(OpError::invalid_parameter(format!(
                    "Security group {group} does not appear to belong to the same VPC as the \
                     input subnets."
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn not_found(what: &str, asked: &[String], kind: &str, missing: &str, code: &str) -> OpError {
    let asked = asked.join(", ");
    OpError::invalid_parameter(format!(
        "Error retrieving {what} information for [{asked}]: The {kind} '{missing}' does not exist \
         (ErrorCode: {code}.NotFound)"
    ))
}
