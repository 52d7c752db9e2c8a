//! `/metrics`: the state in numbers, in the text format of Prometheus. Read from the newest
//! snapshot when it is asked for, so nothing is counted twice and nothing can drift.

use std::fmt;

use control::{State, capacity};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Numbers by cluster and one more word.
type Gauges = Family<[(&'static str, String); 2], Gauge>;

/// What an answer of `/metrics` is.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) fn text(state: &State) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("longshore");
    tasks(state, &mut registry);
    instances(state, &mut registry);
    wishes(state, &mut registry);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn gauges(registry: &mut Registry, name: &str, help: &str) -> Gauges {
    let gauges = Gauges::default();
    registry.register(name, help, gauges.clone());
    gauges
}

fn count(gauges: &Gauges, cluster: &str, what: &'static str, value: &str) {
    let labels = [("cluster", cluster.to_owned()), (what, value.to_owned())];
    gauges.get_or_create(&labels).inc();
}

fn tasks(state: &State, registry: &mut Registry) {
    let gauges = gauges(registry, "tasks", "Remembered tasks by last status");
    for task in state.tasks().iter() {
        count(&gauges, &task.cluster, "status", task.status.as_str());
    }
}

fn instances(state: &State, registry: &mut Registry) {
    let help = "Container instances by status";
    let gauges = gauges(registry, "container_instances", help);
    for instance in state.instances().iter() {
        count(
            &gauges,
            &instance.cluster,
            "status",
            instance.status.as_str(),
        );
    }
}

/// Of capacity providers with managed scaling (`placement.md` §7.4).
fn wishes(state: &State, registry: &mut Registry) {
    let reservation = Gauges::default();
    registry.register_with_unit(
        "capacity_provider_reservation",
        "Instances needed, of those that are registered",
        Unit::Other("percent".to_owned()),
        reservation.clone(),
    );
    let help = "Instances that there should be";
    let wanted = gauges(registry, "capacity_provider_wanted_instances", help);
    let help = "Tasks in PROVISIONING for want of an instance";
    let waiting = gauges(registry, "capacity_provider_waiting_tasks", help);
    for wish in capacity::wishes(state) {
        let labels = [
            ("cluster", wish.cluster),
            ("capacity_provider", wish.capacity_provider),
        ];
        for (gauges, number) in [
            (&reservation, wish.reservation),
            (&wanted, wish.wanted_instances),
            (&waiting, wish.waiting_tasks),
        ] {
            gauges.get_or_create(&labels).set(i64::from(number));
        }
    }
}
