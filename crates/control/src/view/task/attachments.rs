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

/// The interface, then the volume.
pub(super) fn all(cx: &ReadCx<'_>, task: &Task) -> Vec<Attachment> {
    let interface = task.attachment.iter().map(|eni| interface(cx, task, eni));
    let volume = task.volume.iter().map(|one| volume(task, one));
    interface.chain(volume).collect()
}

/// The volume is made while the task is PROVISIONING; nobody tells of it, its status follows
/// from the task's.
fn volume(task: &Task, volume: &task::Volume) -> Attachment {
    let status = match task.status {
        TaskStatus::Provisioning => "PRECREATED",
        TaskStatus::Pending => "ATTACHING",
        TaskStatus::Running | TaskStatus::Stopping => "ATTACHED",
        TaskStatus::Deprovisioning => "DETACHING",
        TaskStatus::Stopped if volume.delete_on_termination => "DELETED",
        TaskStatus::Stopped => "DETACHED",
    };
    let delete = volume.delete_on_termination.to_string();
    let mut details = vec![
        pair("roleArn", &volume.role_arn),
        pair("volumeName", &volume.name),
        pair("deleteOnTermination", &delete),
    ];
    if task.status != TaskStatus::Provisioning {
        details.push(pair("volumeId", &volume.volume_id));
    }
    Attachment {
        id: Some(volume.id.to_string()),
        r#type: Some("AmazonElasticBlockStorage".to_owned()),
        status: Some(status.to_owned()),
        details: Some(details),
    }
}

/// A host makes and attaches an interface in one step, and takes it away in one: nobody sees it
/// CREATED or DETACHED.
fn interface(cx: &ReadCx<'_>, task: &Task, eni: &task::Attachment) -> Attachment {
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
        (_, None) if task.is_on_host() => "ATTACHING",
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
    use model::payload::HostStatus;
    use serde_json::json;

    use crate::testing::World;

    /// A task of `disk` on scripted hosts, where a queue of `growing` has no instance yet.
    fn with_disk(more: &str) -> (World, model::TaskId) {
        let mut world = World::new();
        world.settings.scripted = true;
        world.provider("growing", r#""status":"ENABLED""#);
        world.associate("default", &["growing"], "");
        world.definition(
            "disk",
            r#","volumes":[{"name":"data","configuredAtLaunch":true}]"#,
        );
        let id = world.run(&format!(
            r#"{{"taskDefinition":"disk","volumeConfigurations":[{{"name":"data",
                "managedEBSVolume":{{"roleArn":"ebs","sizeInGiB":1}}}}]{more}}}"#
        ))[0];
        (world, id)
    }

    #[test]
    fn the_volume_comes_and_goes_with_its_task() {
        let (mut world, id) = with_disk("");
        let body = format!(r#"{{"tasks":["{id}"]}}"#);
        let steps = [
            (HostStatus::Provisioning, "PROVISIONING", "PRECREATED"),
            (HostStatus::Pending, "PENDING", "ATTACHING"),
            (HostStatus::Running, "RUNNING", "ATTACHED"),
            (HostStatus::Stopping, "STOPPING", "ATTACHED"),
            (HostStatus::Deprovisioning, "DEPROVISIONING", "DETACHING"),
            (HostStatus::Stopped, "STOPPED", "DELETED"),
        ];
        let mut volume_ids = std::collections::BTreeSet::new();
        for (told, status, attachment) in steps {
            world.tell(id, told);
            world.restart();
            let task = world.at("DescribeTasks", &body, "/tasks/0");
            assert_eq!(task["lastStatus"], json!(status));
            assert_eq!(task["attachments"][0]["status"], json!(attachment));
            let detail = task["attachments"][0]["details"][3]["value"].as_str();
            volume_ids.extend(detail.map(str::to_owned));
        }
        assert_eq!(volume_ids.len(), 1, "{volume_ids:?}");
    }

    #[test]
    fn a_task_that_waited_is_provisioned_after_it_is_placed() {
        let strategy = r#","capacityProviderStrategy":[{"capacityProvider":"growing"}]"#;
        let (mut world, id) = with_disk(strategy);
        assert!(world.task(id).is_waiting());
        let host = world.add_instance("default", 4096, 8192);
        let mut instance = (**world.state.instances().get(&host).unwrap()).clone();
        instance.capacity_provider = Some("growing".to_owned());
        world.state.put_instance(instance);
        world.advance();
        assert_eq!(world.task(id).instance, Some(host));
        let body = format!(r#"{{"tasks":["{id}"]}}"#);
        let status = world.at("DescribeTasks", &body, "/tasks/0/lastStatus");
        assert_eq!(status, json!("PROVISIONING"));
    }

    #[test]
    fn private_names_follow_the_region() {
        let mut world = World::new();
        let name = |world: &World| super::private_dns_name(&world.reading(), "10.1.2.3");
        assert_eq!(name(&world), "ip-10-1-2-3.ec2.internal");
        world.settings.region = "eu-west-1".to_owned();
        assert_eq!(name(&world), "ip-10-1-2-3.eu-west-1.compute.internal");
    }
}
