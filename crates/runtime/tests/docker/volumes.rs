//! Volumes that images declare, taken from another container.

use model::container::{ContainerSpec, VolumesFrom};
use model::payload::NetworkMode;
use runtime::Driver as _;

use crate::testbed::{Testbed, within};

fn spec(bed: &Testbed, container: &str, image: &str, script: &str) -> ContainerSpec {
    ContainerSpec {
        image: image.to_owned(),
        ..bed.shell(container, script)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_of_an_image_are_taken_by_other_containers() {
    let bed = Testbed::new().await;
    let archive = bed.engine.archive().to_string_lossy().into_owned();
    let image = "declares:1";
    let change = "VOLUME /seeded";
    bed.engine
        .docker(&["import", "--change", change, &archive, image]);
    let network = bed.network(NetworkMode::None, &["data", "app"]).await;
    let data = spec(&bed, "data", image, "echo more > /seeded/more");
    bed.driver().start(&data, &network).await.unwrap();
    assert_eq!(bed.wait(&data).await.code, Some(0));
    let script = "cat /seeded/file /seeded/more; touch /seeded/x 2>/dev/null || echo read-only";
    let mut app = spec(&bed, "app", crate::engine::IMAGE, script);
    app.volumes_from = vec![VolumesFrom {
        container: "data".to_owned(),
        read_only: true,
    }];
    bed.driver().start(&app, &network).await.unwrap();
    assert_eq!(bed.wait(&app).await.code, Some(0));
    assert_eq!(bed.lines(&app), ["from the image", "more", "read-only"]);
    let name = format!("longshore-{}-data", bed.task);
    let format = "{{range .Mounts}}{{.Name}}{{end}}";
    let volume = bed.engine.docker(&["inspect", "--format", format, &name]);
    let filter = format!("name={volume}");
    let listed = || {
        bed.engine
            .docker(&["volume", "ls", "--quiet", "--filter", &filter])
    };
    assert_eq!(listed(), volume);
    within(bed.driver().tear_down(bed.task)).await.unwrap();
    assert_eq!(listed(), "");
}
