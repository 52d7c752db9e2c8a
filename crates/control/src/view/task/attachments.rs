//! What is attached to a task, as callers see it (`run-task.md` §9).

use model::shapes::{Attachment, KeyValuePair};

use crate::cx::ReadCx;
use crate::record::task::{self, Task, TaskStatus};

/// The name that AWS's DNS would give the address; no server answers for it here.
fn private_dns_name(cx: &ReadCx<'_>, ipv4: &str) -> String {
    let host = ipv4.replace('.', "-");
    match cx.settings.region.as_str() {
        "us-east-1" => format!("ip-{host}.ec2.internal"),
        region => format!("ip-{host}.{region}.compute.internal"),
    }
}

pub(super) fn interface(cx: &ReadCx<'_>, task: &Task, eni: &task::Attachment) -> Attachment {
    let mut details = vec![pair("subnetId", &eni.subnet)];
    if let Some(made) = &eni.interface {
        details.push(pair("networkInterfaceId", &eni.network_interface_id));
        details.push(pair("macAddress", &made.mac));
        details.push(pair("privateDnsName", &private_dns_name(cx, &made.ipv4)));
        details.push(pair("privateIPv4Address", &made.ipv4));
    }
    let status = match (task.status, &eni.interface) {
        (TaskStatus::Stopped, _) => "DELETED",
        (TaskStatus::Deprovisioning, _) => "DETACHING",
        (_, Some(_)) => "ATTACHED",
        (_, None) => "PRECREATED",
    };
    Attachment {
        id: Some(eni.id.to_string()),
        r#type: Some("ElasticNetworkInterface".to_owned()),
        status: Some(status.to_owned()),
        details: Some(details),
    }
}

fn pair(name: &str, value: &str) -> KeyValuePair {
    KeyValuePair {
        name: Some(name.to_owned()),
        value: Some(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[test]
    fn private_names_follow_the_region() {
        let mut world = World::new();
        let name = |world: &World| super::private_dns_name(&world.reading(), "10.1.2.3");
        assert_eq!(name(&world), "ip-10-1-2-3.ec2.internal");
        world.settings.region = "eu-west-1".to_owned();
        assert_eq!(name(&world), "ip-10-1-2-3.eu-west-1.compute.internal");
    }
}
