//! What is inside the binary, in CycloneDX: names, versions, licences, and who needs whom.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer;
use crate::shell;

/// Libraries of the system that are linked statically: their name for `pkg-config`, and licence.
const SYSTEM_LIBRARIES: [(&str, &str); 3] = [
    ("libelf", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    ("libseccomp", "LGPL-2.1-only"),
    ("zlib", "Zlib"),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    /// Of packages whose licence is told in a file only.
    license_file: Option<String>,
    /// Absent for our own.
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// Absent for what is linked; else `dev` or `build`.
    kind: Option<String>,
}

pub(super) fn of(version: &str) -> anyhow::Result<Vec<u8>> {
    let metadata = metadata()?;
    let mut document = document(&metadata, version)?;
    if cfg!(target_os = "linux")
        && let Some(components) = document["components"].as_array_mut()
    {
        components.extend(system_libraries()?);
    }
    Ok(serde_json::to_vec_pretty(&document)?)
}

/// For this platform only: nothing else is linked.
fn metadata() -> anyhow::Result<Metadata> {
    let version = answer("rustc".as_ref(), &["--version", "--verbose"])?;
    let version = String::from_utf8(version)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not name its platform")?;
    let mut cargo = shell::cargo();
    cargo.args([
        "metadata",
        "--format-version",
        "1",
        "--filter-platform",
        host,
    ]);
    let done = cargo.output().context("cannot start cargo")?;
    let told = String::from_utf8_lossy(&done.stderr);
    anyhow::ensure!(done.status.success(), "cargo metadata: {told}");
    Ok(serde_json::from_slice(&done.stdout)?)
}

fn document(metadata: &Metadata, version: &str) -> anyhow::Result<Value> {
    let packages = metadata
        .packages
        .iter()
        .map(|package| (package.id.as_str(), package));
    let packages: BTreeMap<&str, &Package> = packages.collect();
    let named = |id: &str| packages.get(id).copied().with_context(|| id.to_owned());
    let root = metadata
        .packages
        .iter()
        .find(|package| package.name == "longshore");
    let root = root.context("there is no package longshore")?;
    let linked = linked(metadata, &root.id);
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for (id, needs) in &linked {
        let package = named(id)?;
        let needs: Result<BTreeSet<String>, _> =
            needs.iter().map(|id| named(id).map(reference)).collect();
        dependencies.push(json!({ "ref": reference(package), "dependsOn": needs? }));
        if package.id != root.id {
            components.push(component(package));
        }
    }
    components.sort_by_key(|component| component["bom-ref"].to_string());
    dependencies.sort_by_key(|dependency| dependency["ref"].to_string());
    Ok(json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": { "component": {
            "type": "application", "bom-ref": reference(root),
            "name": "longshore", "version": version,
            "licenses": [{ "expression": "Apache-2.0" }],
        }},
        "components": components,
        "dependencies": dependencies,
    }))
}

/// Every package that ends up in the binary, with what it needs itself.
fn linked<'a>(metadata: &'a Metadata, root: &'a str) -> BTreeMap<&'a str, Vec<&'a str>> {
    let nodes = metadata
        .resolve
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node));
    let nodes: BTreeMap<&str, &Node> = nodes.collect();
    let mut found = BTreeMap::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if found.contains_key(id) {
            continue;
        }
        let edges = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        let is_linked = |edge: &&Edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none());
        let needs: Vec<&str> = edges
            .filter(is_linked)
            .map(|edge| edge.pkg.as_str())
            .collect();
        open.extend(&needs);
        found.insert(id, needs);
    }
    found
}

/// The package's address where it is published; our own are not, and others have their names.
fn reference(package: &Package) -> String {
    let Package { name, version, .. } = package;
    match package.source {
        Some(_) => format!("pkg:cargo/{name}@{version}"),
        None => format!("{name}@{version}"),
    }
}

fn component(package: &Package) -> Value {
    let reference = reference(package);
    let mut component = json!({
        "type": "library", "bom-ref": reference,
        "name": package.name, "version": package.version,
    });
    if package.source.is_some() {
        component["purl"] = reference.into();
    }
    if let Some(license) = &package.license {
        // Older packages write `A/B` for `A OR B`.
        let expression = license.replace('/', " OR ");
        component["licenses"] = json!([{ "expression": expression }]);
    } else if let Some(file) = &package.license_file {
        let name = format!("as the file {file} of the package says");
        component["licenses"] = json!([{ "license": { "name": name } }]);
    }
    component
}

fn system_libraries() -> anyhow::Result<Vec<Value>> {
    let libraries = SYSTEM_LIBRARIES.iter().map(|(name, license)| {
        let version = answer("pkg-config".as_ref(), &["--modversion", name])?;
        let version = String::from_utf8(version)?.trim().to_owned();
        let reference = format!("pkg:generic/{name}@{version}");
        Ok(json!({
            "type": "library", "bom-ref": reference, "purl": reference, "name": name,
            "version": version, "licenses": [{ "expression": license }],
        }))
    });
    libraries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_linked_is_listed() {
        let metadata: Metadata = serde_json::from_value(json!({
            "packages": [
                { "id": "l", "name": "longshore", "version": "1.0.0", "license": "Apache-2.0" },
                { "id": "a", "name": "a", "version": "2.0.0", "license": "MIT/Apache-2.0",
                  "source": "elsewhere" },
                { "id": "b", "name": "b", "version": "3.0.0", "license": null },
                { "id": "t", "name": "only-for-tests", "version": "4.0.0", "license": "MIT" },
            ],
            "resolve": { "nodes": [
                { "id": "l", "deps": [
                    { "pkg": "a", "dep_kinds": [{ "kind": null }] },
                    { "pkg": "t", "dep_kinds": [{ "kind": "dev" }] },
                ]},
                { "id": "a", "deps": [{ "pkg": "b", "dep_kinds": [{ "kind": null }] }] },
                { "id": "b", "deps": [{ "pkg": "t", "dep_kinds": [{ "kind": "build" }] }] },
            ]},
        }))
        .unwrap();
        let document = document(&metadata, "1.0.0").unwrap();
        let components = document["components"].as_array().unwrap();
        let names: Vec<&str> = components
            .iter()
            .filter_map(|one| one["name"].as_str())
            .collect();
        assert_eq!(names, ["b", "a"]);
        let licenses = &components[1]["licenses"][0]["expression"];
        assert_eq!(licenses, "MIT OR Apache-2.0");
        assert_eq!(components[0].get("licenses"), None);
        assert_eq!(components[1]["purl"], "pkg:cargo/a@2.0.0");
        assert_eq!(components[0].get("purl"), None, "it is our own");
        let needs: Vec<String> = document["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| format!("{} {}", one["ref"], one["dependsOn"]))
            .collect();
        let expected = [
            r#""b@3.0.0" []"#,
            r#""longshore@1.0.0" ["pkg:cargo/a@2.0.0"]"#,
            r#""pkg:cargo/a@2.0.0" ["b@3.0.0"]"#,
        ];
        assert_eq!(needs, expected);
    }
}
