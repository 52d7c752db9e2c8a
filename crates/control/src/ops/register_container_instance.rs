//! RegisterContainerInstance: a host joins a cluster, or comes back under its ARN
//! (`agent-protocol.md` §1.1).
//!
//! What surprises: attributes of the caller's own are sent at the first registration only, so
//! later ones keep those that are stored; everything else is replaced by what the host says
//! now. On a server of scripted containers the host is one of them and connected at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::shapes::{
    Attribute, PlatformDevice, PlatformDeviceType, RegisterContainerInstanceInput,
    RegisterContainerInstanceOutput, Resource, VersionInfo,
};
use serde_json::Value;

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::{active_cluster, container_instance_id};
use crate::instance_attributes::{
    ARCHITECTURE, CAPABILITIES, IMAGE, INSTANCE_TYPE, ZONE, attribute, check, check_name,
    is_capability, is_custom, name_of, set, too_many,
};
use crate::record::Instance;
use crate::record::instance::{Agent, Health, InstanceStatus, Versions};
use crate::view::instance::{Included, instance as shown};
use crate::{tags, view};

/// Tag by which a host says which capacity provider it came from.
const CAPACITY_PROVIDER_TAG: &str = "longshore:capacity-provider";

/// Attributes that the identity document tells, if there is one.
const IDENTITY: [&str; 4] = [ARCHITECTURE, INSTANCE_TYPE, IMAGE, ZONE];

pub(crate) fn register_container_instance(
    cx: &mut Cx<'_>,
    input: RegisterContainerInstanceInput,
) -> Result<RegisterContainerInstanceOutput, OpError> {
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let known = known(cx, &cluster.name, input.container_instance_arn.as_deref())?;
    let document = input.instance_identity_document.as_deref();
    let identified = document.is_some_and(|document| !document.is_empty());
    let given = instance(cx, cluster.name.clone(), input)?;
    let instance = match known {
        Some(known) => again(&known, given, identified)?,
        None => given,
    };
    if too_many(&instance.attributes) {
        let text = "An instance can have at most 10 attributes of its own.";
        return Err(OpError::invalid_parameter(text));
    }
    let instance = cx.state.put_instance(instance);
    Ok(RegisterContainerInstanceOutput {
        container_instance: Some(shown(&cx.reading(), &instance, Included::TAGS)),
    })
}

/// The instance that comes back, if the host names one.
fn known(cx: &Cx<'_>, cluster: &str, arn: Option<&str>) -> Result<Option<Arc<Instance>>, OpError> {
    let Some(arn) = arn.filter(|arn| !arn.is_empty()) else {
        return Ok(None);
    };
    let id = container_instance_id(cx.settings, cluster, arn)?;
    let known = cx.state.instances().get(&id);
    let known = known.filter(|one| one.cluster == cluster);
    match known {
        Some(known) if known.status == InstanceStatus::Inactive => Err(OpError::client(
            "The referenced container instance was deregistered. Register without its ARN.",
        )),
        Some(known) => Ok(Some(Arc::clone(known))),
        None => Err(view::instance::not_found()),
    }
}

/// What the request alone says.
fn instance(
    cx: &mut Cx<'_>,
    cluster: String,
    input: RegisterContainerInstanceInput,
) -> Result<Instance, OpError> {
    let identity = identity(input.instance_identity_document.as_deref())?;
    let resources = Resources::checked(input.total_resources, input.platform_devices)?;
    let attributes = attributes(cx, input.attributes, &identity)?;
    let tags = tags::checked(input.tags)?;
    let provider = tags
        .iter()
        .find(|tag| tags::key_of(tag) == CAPACITY_PROVIDER_TAG);
    let scripted = cx.settings.scripted;
    Ok(Instance {
        id: cx.random.container_instance_id(),
        cluster,
        status: InstanceStatus::Active,
        agent_connected: scripted,
        registered_at: cx.now,
        version: 1,
        cpu_units: resources.cpu_units,
        memory_mib: resources.memory_mib,
        reserved_tcp_ports: resources.tcp_ports,
        reserved_udp_ports: resources.udp_ports,
        attributes,
        fargate: false,
        capacity_provider: provider.and_then(|tag| tag.value.clone()),
        tags,
        name: None,
        agent: if scripted {
            Agent::Local
        } else {
            Agent::Remote
        },
        gpus: resources.gpus,
        network_interfaces: None,
        ec2_instance_id: identity.get("instanceId").cloned(),
        versions: input.version_info.map(versions).unwrap_or_default(),
        health: scripted.then_some(Health {
            ok: true,
            changed_at: cx.now,
            updated_at: cx.now,
        }),
        put_attributes: Vec::new(),
        deregistered_at: None,
    })
}

/// The instance under its old ARN, as the host describes it now.
fn again(known: &Instance, given: Instance, identified: bool) -> Result<Instance, OpError> {
    check_type(known, &given)?;
    let mut attributes = given.attributes;
    let stays = |name| is_custom(name) || (!identified && IDENTITY.contains(&name));
    for one in known.attributes.iter().filter(|one| stays(name_of(one))) {
        set(&mut attributes, one.clone());
    }
    Ok(Instance {
        id: known.id,
        status: known.status,
        agent_connected: known.agent_connected || given.agent_connected,
        registered_at: known.registered_at,
        version: known.version + 1,
        attributes,
        tags: tags::merged(&known.tags, given.tags)?,
        capacity_provider: given
            .capacity_provider
            .or_else(|| known.capacity_provider.clone()),
        ec2_instance_id: given
            .ec2_instance_id
            .or_else(|| known.ec2_instance_id.clone()),
        name: known.name.clone(),
        agent: known.agent,
        fargate: known.fargate,
        network_interfaces: known.network_interfaces,
        health: known.health.or(given.health),
        put_attributes: known.put_attributes.clone(),
        ..given
    })
}

fn check_type(known: &Instance, given: &Instance) -> Result<(), OpError> {
    let of = |instance: &Instance| Some(instance.attribute(INSTANCE_TYPE)?.value.clone());
    match (of(known).flatten(), of(given).flatten()) {
        (Some(before), Some(now)) if before != now => Err(OpError::client(format!(
            "Container instance type changes are not supported. Container instance {} was \
             previously registered as {before}.",
            known.id
        ))),
        _ => Ok(()),
    }
}

/// The texts of the identity document. External hosts have none, or an empty one.
fn identity(document: Option<&str>) -> Result<BTreeMap<String, String>, OpError> {
    let document = document.unwrap_or_default();
    if document.is_empty() {
        return Ok(BTreeMap::new());
    }
    let parsed: BTreeMap<String, Value> = serde_json::from_str(document).map_err(|cause| {
        OpError::invalid_parameter(format!("Invalid instanceIdentityDocument: {cause}."))
    })?;
    let text = |(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    };
    Ok(parsed.into_iter().filter_map(text).collect())
}

/// Those of the request, then what is known of the host from elsewhere.
fn attributes(
    cx: &Cx<'_>,
    given: Option<Vec<Attribute>>,
    identity: &BTreeMap<String, String>,
) -> Result<Vec<Attribute>, OpError> {
    let mut attributes: Vec<Attribute> = Vec::new();
    for one in given.unwrap_or_default() {
        if is_custom(name_of(&one)) {
            check(&one)?;
        } else {
            check_name(name_of(&one))?;
        }
        set(
            &mut attributes,
            attribute(name_of(&one), one.value.as_deref()),
        );
    }
    let architecture = match identity.get("architecture").map(String::as_str) {
        Some("aarch64") => Some("arm64"),
        other => other,
    };
    let zone = identity.get("availabilityZone").map(String::as_str);
    add(&mut attributes, ARCHITECTURE, architecture);
    add(
        &mut attributes,
        INSTANCE_TYPE,
        identity.get("instanceType").map(String::as_str),
    );
    add(
        &mut attributes,
        IMAGE,
        identity.get("imageId").map(String::as_str),
    );
    add(
        &mut attributes,
        ZONE,
        zone.or(Some(&cx.settings.availability_zone)),
    );
    if cx.settings.scripted {
        add_scripted(&mut attributes);
    }
    Ok(attributes)
}

/// A scripted host can do what the server's own can, unless it says what it can do.
fn add_scripted(attributes: &mut Vec<Attribute>) {
    if !attributes.iter().any(|one| is_capability(name_of(one))) {
        attributes.extend(CAPABILITIES.iter().map(|name| attribute(name, None)));
    }
    add(attributes, "ecs.os-type", Some("linux"));
    add(attributes, "ecs.os-family", Some("LINUX"));
    add(attributes, ARCHITECTURE, Some("x86_64"));
}

/// Adds what the host itself has not said.
fn add(attributes: &mut Vec<Attribute>, name: &str, value: Option<&str>) {
    let said = attributes.iter().any(|one| name_of(one) == name);
    if value.is_some() && !said {
        attributes.push(attribute(name, value));
    }
}

fn versions(given: VersionInfo) -> Versions {
    Versions {
        agent: given.agent_version,
        agent_hash: given.agent_hash,
        docker: given.docker_version,
    }
}

#[derive(Default)]
struct Resources {
    cpu_units: u32,
    memory_mib: u32,
    tcp_ports: Vec<u16>,
    udp_ports: Vec<u16>,
    gpus: Vec<String>,
}

impl Resources {
    /// Kinds that no task can ask for are left out; a kind that is not told is not there.
    fn checked(
        resources: Option<Vec<Resource>>,
        devices: Option<Vec<PlatformDevice>>,
    ) -> Result<Self, OpError> {
        let mut all = Self::default();
        for resource in resources.unwrap_or_default() {
            match resource.name.as_deref() {
                Some("CPU") => all.cpu_units = amount(&resource)?,
                Some("MEMORY") => all.memory_mib = amount(&resource)?,
                Some("PORTS") => all.tcp_ports = ports(&resource)?,
                Some("PORTS_UDP") => all.udp_ports = ports(&resource)?,
                Some("GPU") => all.gpus = resource.string_set_value.unwrap_or_default(),
                Some(_) => {}
                None => return Err(invalid("A resource must have a name")),
            }
        }
        for device in devices.unwrap_or_default() {
            let id = device.id.filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| invalid("A platform device must have an id"))?;
            let gpu = device.r#type == Some(PlatformDeviceType::Gpu);
            if gpu && !all.gpus.contains(&id) {
                all.gpus.push(id);
            }
        }
        Ok(all)
    }
}

fn invalid(what: &str) -> OpError {
    OpError::invalid_parameter(format!("{what}."))
}

fn amount(resource: &Resource) -> Result<u32, OpError> {
    let name = resource.name.as_deref().unwrap_or_default();
    let amount = resource
        .integer_value
        .and_then(|amount| u32::try_from(amount).ok());
    let of_its_type = resource
        .r#type
        .as_deref()
        .is_none_or(|kind| kind == "INTEGER");
    amount.filter(|_| of_its_type).ok_or_else(|| {
        invalid(&format!(
            "Resource {name} must be an INTEGER of at least 0 in integerValue"
        ))
    })
}

fn ports(resource: &Resource) -> Result<Vec<u16>, OpError> {
    let name = resource.name.as_deref().unwrap_or_default();
    let bad = || {
        invalid(&format!(
            "Resource {name} must be a STRINGSET of ports, 1 to 65535, in stringSetValue"
        ))
    };
    if resource
        .r#type
        .as_deref()
        .is_some_and(|kind| kind != "STRINGSET")
    {
        return Err(bad());
    }
    let port = |text: &String| text.parse().ok().filter(|port| *port > 0);
    let all = resource.string_set_value.iter().flatten().map(port);
    all.collect::<Option<_>>().ok_or_else(bad)
}

#[cfg(test)]
mod tests;
