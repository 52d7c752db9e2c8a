//! A cluster as callers see it. Statistics, settings, configuration, attachments
//! and tags on request.

use model::shapes::{Cluster as Shape, ClusterField, ClusterSetting, KeyValuePair};

use super::capacity_provider;
use crate::cx::ReadCx;
use crate::error::OpError;
use crate::record::Cluster;
use crate::record::cluster::ClusterStatus;
use crate::record::instance::InstanceStatus;
use crate::record::task::{Desired, LaunchType, Task, TaskStatus};

/// Which parts an answer shows beyond name, status and counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Included {
    pub(crate) attachments: bool,
    pub(crate) configurations: bool,
    pub(crate) settings: bool,
    pub(crate) statistics: bool,
    pub(crate) tags: bool,
}

impl Included {
    /// What the operations that change a cluster answer with.
    pub(crate) const CHANGED: Self = Self {
        attachments: false,
        configurations: true,
        settings: true,
        statistics: false,
        tags: true,
    };

    pub(crate) fn parse(fields: Option<&[ClusterField]>) -> Result<Self, OpError> {
        let mut included = Self::default();
        for field in fields.unwrap_or_default() {
            match field {
                ClusterField::Attachments => included.attachments = true,
                ClusterField::Configurations => included.configurations = true,
                ClusterField::Settings => included.settings = true,
                ClusterField::Statistics => included.statistics = true,
                ClusterField::Tags => included.tags = true,
                _ => {
                    let text = "include should be one of \
                                [ATTACHMENTS,CONFIGURATIONS,SETTINGS,STATISTICS,TAGS]";
                    return Err(OpError::invalid_parameter(text));
                }
            }
        }
        Ok(included)
    }
}

pub(crate) fn cluster(cx: &ReadCx<'_>, cluster: &Cluster, included: Included) -> Shape {
    let live = cx.state.live_tasks_of_cluster(&cluster.name, None);
    let live: Vec<&Task> = live.map(|task| &**task).collect();
    let count = |status: fn(&Task) -> bool| live.iter().filter(|task| status(task)).count() as i32;
    let instances = cx.state.instances().iter().filter(|instance| {
        instance.cluster == cluster.name && instance.status != InstanceStatus::Inactive
    });
    let default = cluster.default_strategy.iter();
    Shape {
        cluster_arn: Some(cx.settings.cluster_arn(&cluster.name)),
        cluster_name: Some(cluster.name.clone()),
        status: Some(cluster.status.as_str().to_owned()),
        registered_container_instances_count: Some(instances.count() as i32),
        running_tasks_count: Some(count(is_running)),
        pending_tasks_count: Some(count(is_pending)),
        active_services_count: Some(0),
        capacity_providers: Some(cluster.capacity_providers.clone()),
        default_capacity_provider_strategy: Some(default.map(capacity_provider::item).collect()),
        settings: Some(if included.settings {
            settings(cluster)
        } else {
            Vec::new()
        }),
        statistics: Some(if included.statistics {
            statistics(&live)
        } else {
            Vec::new()
        }),
        tags: Some(if included.tags {
            cluster.tags.clone()
        } else {
            Vec::new()
        }),
        configuration: cluster
            .configuration
            .clone()
            .filter(|_| included.configurations),
        // Attachments tell of AWS's own scaling plans, of which there are none here.
        attachments: included.attachments.then(Vec::new),
        service_connect_defaults: cluster.service_connect_defaults.clone(),
        ..Shape::default()
    }
}

fn is_running(task: &Task) -> bool {
    task.status == TaskStatus::Running
}

fn is_pending(task: &Task) -> bool {
    task.status < TaskStatus::Running && task.desired == Desired::Running
}

/// Container Insights is off unless the caller set it.
pub(crate) fn settings(cluster: &Cluster) -> Vec<ClusterSetting> {
    if !cluster.settings.is_empty() {
        return cluster.settings.clone();
    }
    let value = Some("disabled".to_owned());
    vec![ClusterSetting {
        name: Some("containerInsights".into()),
        value,
    }]
}

fn statistics(live: &[&Task]) -> Vec<KeyValuePair> {
    let launch_types = [
        ("EC2", LaunchType::Ec2),
        ("Fargate", LaunchType::Fargate),
        ("External", LaunchType::External),
    ];
    let mut pairs = Vec::new();
    for (kind, test) in [
        ("running", is_running as fn(&Task) -> bool),
        ("pending", is_pending),
    ] {
        for (name, launch_type) in launch_types {
            let counted = live
                .iter()
                .filter(|task| task.launch_type == launch_type && test(task));
            pairs.push(KeyValuePair {
                name: Some(format!("{kind}{name}TasksCount")),
                value: Some(counted.count().to_string()),
            });
        }
    }
    pairs
}

/// A cluster that is still there for its caller.
pub(crate) fn is_active(cluster: &Cluster) -> bool {
    cluster.status == ClusterStatus::Active
}
