//! Registries that stand for others: an offline team has the images of ECR in a registry of its own.

use super::{Reference, Registries, RegistryError, full_name, parse};

impl Registries {
    /// Refuses mirrors that could lead nowhere.
    pub fn check_mirrors(&self) -> Result<(), RegistryError> {
        let is_good = |name: &str| {
            let has_registry = name.split('/').next().unwrap_or_default();
            let named = has_registry.contains(['.', ':']) || has_registry == "localhost";
            named && parse(&format!("{name}/x")).is_ok()
        };
        for (from, to) in &self.mirrors {
            if !is_good(from) || !is_good(to) {
                let (from, to) = (from.clone(), to.clone());
                return Err(RegistryError::Mirror { from, to });
            }
        }
        Ok(())
    }

    /// The names under which a driver may have an image already, the first one that it knows
    /// counts: its own, then that at its mirror, under which the tools of others keep it.
    pub fn local_names(&self, image: &str) -> Vec<String> {
        let mut names = vec![image.to_owned()];
        // Whether a name can be pulled at all is seen when it is.
        if let Ok(named) = parse(image) {
            let at_mirror = self.at_mirror(&named).ok();
            let elsewhere = at_mirror.filter(|at_mirror| *at_mirror != named);
            names.extend(elsewhere.as_ref().map(full_name));
        }
        names
    }

    /// Where the image is to be had: the same name, or that at its mirror. A task goes on to
    /// show the name of its definition.
    pub fn at_mirror(&self, image: &Reference) -> Result<Reference, RegistryError> {
        let name = format!("{}/{}", image.registry(), image.repository());
        let fits = |from: &str| {
            let rest = name.strip_prefix(from)?;
            (rest.is_empty() || rest.starts_with('/')).then_some(rest)
        };
        let mirrors = self.mirrors.iter();
        let found = mirrors.filter_map(|(from, to)| Some((from.len(), to, fits(from)?)));
        let Some((_, to, rest)) = found.max_by_key(|(length, _, _)| *length) else {
            return Ok(image.clone());
        };
        let full = full_name(image);
        let version = full.strip_prefix(&name).unwrap_or_default();
        parse(&format!("{to}{rest}{version}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registries(mirrors: &[(&str, &str)]) -> Registries {
        let own = |(from, to): &(&str, &str)| ((*from).to_owned(), (*to).to_owned());
        Registries {
            mirrors: mirrors.iter().map(own).collect(),
            ..Registries::default()
        }
    }

    #[track_caller]
    fn check(mirrors: &[(&str, &str)], image: &str, expected: &str) {
        let registries = registries(mirrors);
        registries.check_mirrors().unwrap();
        let found = registries.at_mirror(&parse(image).unwrap()).unwrap();
        assert_eq!(full_name(&found), expected);
    }

    #[test]
    fn the_longest_mirror_that_fits_counts() {
        const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        let narrow = format!("{ECR}/shop");
        let mirrors = [
            (ECR, "localhost:5000"),
            (&narrow, "localhost:5001/other/shop"),
            ("docker.io", "mirror.example/hub"),
        ];
        let image = |repository: &str| format!("{ECR}/{repository}");
        check(&mirrors, &image("a/b:1"), "localhost:5000/a/b:1");
        check(
            &mirrors,
            &image("shop/b:1"),
            "localhost:5001/other/shop/b:1",
        );
        check(&mirrors, &image("shop:1"), "localhost:5001/other/shop:1");
        check(&mirrors, &image("shopping:1"), "localhost:5000/shopping:1");
        check(
            &mirrors,
            "busybox",
            "mirror.example/hub/library/busybox:latest",
        );
        check(&mirrors, "quay.io/a:1", "quay.io/a:1");
        let digest = format!("@sha256:{}", "a".repeat(64));
        let pinned = image(&format!("a{digest}"));
        check(&mirrors, &pinned, &format!("localhost:5000/a{digest}"));
    }

    #[test]
    fn an_image_is_looked_for_under_its_own_name_first() {
        let registries = registries(&[("r.example", "localhost:5000/r")]);
        for (image, elsewhere) in [
            ("r.example/app", Some("localhost:5000/r/app:latest")),
            ("busybox", None),
            ("sha256:0123456789ab", None),
            ("Not An Image", None),
        ] {
            let expected: Vec<&str> = std::iter::once(image).chain(elsewhere).collect();
            assert_eq!(registries.local_names(image), expected);
        }
    }

    #[test]
    fn a_mirror_that_leads_nowhere_is_refused() {
        for (from, to) in [
            ("r.example", "a b"),
            ("shop", "localhost:5000"),
            ("r.example", ""),
        ] {
            let error = registries(&[(from, to)]).check_mirrors().unwrap_err();
            assert!(error.to_string().contains(&format!("`{to}`")), "{error}");
        }
    }
}
