//! Volumes of the task and what containers take of them (`task-lifecycle.md` §10).

use std::collections::BTreeSet;

use model::shapes::{
    ContainerDefinition, DockerVolumeConfiguration, EfsAuthorizationConfigIam,
    EfsTransitEncryption, EfsVolumeConfiguration, FSxWindowsFileServerVolumeConfiguration, Scope,
    TaskDefinition, Volume,
};

use super::{is_blank, word};
use crate::error::OpError;
use crate::identifier::is_name;

pub(super) fn check(shape: &TaskDefinition) -> Result<(), OpError> {
    let volumes = shape.volumes.as_deref().unwrap_or_default();
    let mut names = BTreeSet::new();
    for volume in volumes {
        let name = volume.name.as_deref().unwrap_or_default();
        if !is_name(name) {
            let text = format!("Volume name '{name}' is not valid.");
            return Err(OpError::client(text));
        }
        if !names.insert(name) {
            let text = format!("Volume name '{name}' is used twice.");
            return Err(OpError::client(text));
        }
        if kinds(volume) > 1 {
            let text = format!("Volume '{name}' has more than one kind of configuration.");
            return Err(OpError::client(text));
        }
        check_kind(shape, volume, name)?;
    }
    let at_launch = |volume: &&Volume| volume.configured_at_launch == Some(true);
    if volumes.iter().filter(at_launch).count() > 1 {
        let text = "At most one volume can be configured at launch.";
        return Err(OpError::client(text));
    }
    Ok(())
}

fn kinds(volume: &Volume) -> usize {
    let host = volume.host.as_ref();
    let kinds = [
        host.is_some_and(|host| host.source_path.is_some()),
        volume.docker_volume_configuration.is_some(),
        volume.efs_volume_configuration.is_some(),
        volume.s3files_volume_configuration.is_some(),
        volume
            .fsx_windows_file_server_volume_configuration
            .is_some(),
        volume.configured_at_launch == Some(true),
    ];
    kinds.iter().filter(|is_set| **is_set).count()
}

fn check_kind(shape: &TaskDefinition, volume: &Volume, name: &str) -> Result<(), OpError> {
    if let Some(efs) = &volume.efs_volume_configuration {
        check_efs(efs, name)?;
    }
    if let Some(docker) = &volume.docker_volume_configuration {
        check_docker(docker, name)?;
    }
    if let Some(fsx) = &volume.fsx_windows_file_server_volume_configuration {
        check_fsx(fsx, name)?;
    }
    if let Some(files) = &volume.s3files_volume_configuration {
        needs(name, "fileSystemArn", files.file_system_arn.as_deref())?;
        if is_blank(shape.task_role_arn.as_deref()) {
            let text = format!("Volume '{name}' of S3 Files needs a taskRoleArn.");
            return Err(OpError::client(text));
        }
    }
    Ok(())
}

fn needs(volume: &str, member: &str, value: Option<&str>) -> Result<(), OpError> {
    if is_blank(value) {
        let text = format!("Volume '{volume}' needs a {member}.");
        return Err(OpError::client(text));
    }
    Ok(())
}

fn check_efs(efs: &EfsVolumeConfiguration, name: &str) -> Result<(), OpError> {
    needs(name, "fileSystemId", efs.file_system_id.as_deref())?;
    let encryption = efs.transit_encryption.as_ref();
    word(
        "transitEncryption",
        encryption.map(EfsTransitEncryption::as_str),
        EfsTransitEncryption::VALUES,
    )?;
    let Some(authorization) = &efs.authorization_config else {
        return Ok(());
    };
    let iam = authorization.iam.as_ref();
    word(
        "iam",
        iam.map(EfsAuthorizationConfigIam::as_str),
        EfsAuthorizationConfigIam::VALUES,
    )?;
    let root = efs.root_directory.as_deref().unwrap_or("/");
    if authorization.access_point_id.is_some() && root != "/" {
        return Err(OpError::client(
            "When using an EFS access point, the root directory must either be set to \"/\" or be \
             omitted",
        ));
    }
    let is_encrypted = encryption == Some(&EfsTransitEncryption::Enabled);
    if iam == Some(&EfsAuthorizationConfigIam::Enabled) && !is_encrypted {
        let text = "EFS IAM authorization requires TransitEncryption to be enabled";
        return Err(OpError::client(text));
    }
    Ok(())
}

fn check_docker(docker: &DockerVolumeConfiguration, name: &str) -> Result<(), OpError> {
    let scope = docker.scope.as_ref();
    word("scope", scope.map(Scope::as_str), Scope::VALUES)?;
    if docker.autoprovision.is_some() && scope != Some(&Scope::Shared) {
        let text = format!("Volume '{name}' can have autoprovision with scope shared only.");
        return Err(OpError::client(text));
    }
    Ok(())
}

fn check_fsx(fsx: &FSxWindowsFileServerVolumeConfiguration, name: &str) -> Result<(), OpError> {
    needs(name, "fileSystemId", fsx.file_system_id.as_deref())?;
    needs(name, "rootDirectory", fsx.root_directory.as_deref())?;
    let authorization = fsx.authorization_config.as_ref();
    let credentials = authorization.and_then(|one| one.credentials_parameter.as_deref());
    needs(name, "credentialsParameter", credentials)?;
    let domain = authorization.and_then(|one| one.domain.as_deref());
    needs(name, "domain", domain)
}

/// What a container mounts, and whose volumes it takes, must be there.
pub(super) fn check_uses(
    shape: &TaskDefinition,
    container: &ContainerDefinition,
    names: &BTreeSet<&str>,
) -> Result<(), OpError> {
    let volumes = shape.volumes.as_deref().unwrap_or_default();
    for mount in container.mount_points.iter().flatten() {
        let source = mount.source_volume.as_deref().unwrap_or_default();
        let mut known = volumes.iter().filter_map(|one| one.name.as_deref());
        if !known.any(|name| name == source) {
            return Err(OpError::client(format!("Unknown volume '{source}'.")));
        }
        if is_blank(mount.container_path.as_deref()) {
            let text = format!("The mount point of volume '{source}' needs a containerPath.");
            return Err(OpError::client(text));
        }
    }
    for from in container.volumes_from.iter().flatten() {
        let source = from.source_container.as_deref().unwrap_or_default();
        if !names.contains(source) {
            let text = format!("Unknown container '{source}' in volumesFrom.");
            return Err(OpError::client(text));
        }
    }
    Ok(())
}
