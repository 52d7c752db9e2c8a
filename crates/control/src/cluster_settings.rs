//! The parts of a cluster that a caller sets, checked alike when it is created and changed.

use model::shapes::{
    ClusterConfiguration, ClusterServiceConnectDefaultsRequest, ClusterSetting,
    ExecuteCommandConfiguration, ExecuteCommandLogging,
};

use crate::error::{OpError, not_one_of};

/// The one setting that clusters have.
pub(crate) const CONTAINER_INSIGHTS: &str = "containerInsights";
const INSIGHTS: [&str; 3] = ["enabled", "disabled", "enhanced"];

/// The settings of a call; the list may be empty.
pub(crate) fn check_settings(settings: &[ClusterSetting]) -> Result<(), OpError> {
    settings.iter().try_for_each(check_setting)?;
    if settings.len() > 1 {
        let text = format!("Cluster setting {CONTAINER_INSIGHTS} can be given once only.");
        return Err(OpError::invalid_parameter(text));
    }
    Ok(())
}

fn check_setting(setting: &ClusterSetting) -> Result<(), OpError> {
    let name = setting.name.as_ref().map(|name| name.as_str());
    let name = name.unwrap_or_default();
    if name != CONTAINER_INSIGHTS {
        let text = format!("Cluster setting name should be {CONTAINER_INSIGHTS}, but was {name}.");
        return Err(OpError::invalid_parameter(text));
    }
    let value = setting.value.as_deref().unwrap_or_default();
    if !INSIGHTS.contains(&value) {
        let text = not_one_of(CONTAINER_INSIGHTS, &INSIGHTS, Some(value));
        return Err(OpError::invalid_parameter(text));
    }
    Ok(())
}

/// There is no Service Connect here; the caller must not believe that there is.
pub(crate) fn refuse_service_connect(
    defaults: Option<&ClusterServiceConnectDefaultsRequest>,
) -> Result<(), OpError> {
    match defaults {
        None => Ok(()),
        Some(_) => Err(OpError::invalid_parameter(
            "Service Connect is not supported by this server. Leave serviceConnectDefaults out.",
        )),
    }
}

/// How `ExecuteCommand` logs (`task-lifecycle.md` §13); the storage keys are free text.
pub(crate) fn check_configuration(
    configuration: Option<&ClusterConfiguration>,
) -> Result<(), OpError> {
    let exec = configuration.and_then(|all| all.execute_command_configuration.as_ref());
    exec.map_or(Ok(()), check_exec)
}

fn check_exec(exec: &ExecuteCommandConfiguration) -> Result<(), OpError> {
    let has_target = exec.log_configuration.is_some();
    match exec.logging.as_ref() {
        Some(ExecuteCommandLogging::Override) if !has_target => Err(OpError::invalid_parameter(
            "logConfiguration must be specified when logging is OVERRIDE.",
        )),
        Some(ExecuteCommandLogging::Override) => Ok(()),
        None | Some(ExecuteCommandLogging::None | ExecuteCommandLogging::Default) => {
            if has_target {
                return Err(OpError::invalid_parameter(
                    "logConfiguration can be specified only when logging is OVERRIDE.",
                ));
            }
            Ok(())
        }
        Some(other) => {
            let known = ExecuteCommandLogging::VALUES;
            let text = not_one_of("logging", known, Some(other.as_str()));
            Err(OpError::invalid_parameter(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    const EXEC: &str = r#"{"executeCommandConfiguration":"#;

    fn check(operation: &str, parts: &str, expected: &str) {
        let mut world = World::new();
        let name = match operation {
            "CreateCluster" => "clusterName",
            _ => "cluster",
        };
        let body = format!(r#"{{"{name}":"default",{parts}}}"#);
        let expected = format!("InvalidParameterException: {expected}");
        world.refused(operation, &body, &expected);
    }

    #[test]
    fn settings_are_checked_by_all_three_operations() {
        for operation in ["CreateCluster", "UpdateCluster", "UpdateClusterSettings"] {
            let check = |items: &str, expected: &str| {
                check(operation, &format!(r#""settings":[{items}]"#), expected);
            };
            check(
                r#"{"name":"moon","value":"full"}"#,
                "Cluster setting name should be containerInsights, but was moon.",
            );
            check(
                "{}",
                "Cluster setting name should be containerInsights, but was .",
            );
            check(
                r#"{"name":"containerInsights","value":"full"}"#,
                "containerInsights should be one of [enabled,disabled,enhanced], but was full.",
            );
            let one = r#"{"name":"containerInsights","value":"enabled"}"#;
            check(
                &format!("{one},{one}"),
                "Cluster setting containerInsights can be given once only.",
            );
        }
    }

    #[test]
    fn configurations_are_checked_by_both_operations() {
        for operation in ["CreateCluster", "UpdateCluster"] {
            let check = |exec: &str, expected: &str| {
                check(
                    operation,
                    &format!(r#""configuration":{EXEC}{exec}}}"#),
                    expected,
                );
            };
            check(
                r#"{"logging":"MOON"}"#,
                "logging should be one of [NONE,DEFAULT,OVERRIDE], but was MOON.",
            );
            check(
                r#"{"logging":"OVERRIDE"}"#,
                "logConfiguration must be specified when logging is OVERRIDE.",
            );
            for logging in [r#""logging":"DEFAULT","#, r#""logging":"NONE","#, ""] {
                check(
                    &format!(r#"{{{logging}"logConfiguration":{{}}}}"#),
                    "logConfiguration can be specified only when logging is OVERRIDE.",
                );
            }
            super::tests::check(
                operation,
                r#""serviceConnectDefaults":{"namespace":"n"}"#,
                "Service Connect is not supported by this server. Leave serviceConnectDefaults \
                 out.",
            );
        }
    }
}
