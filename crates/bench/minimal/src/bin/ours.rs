//! RunTask with our client and static keys, as little as a program can do.

use longshore_client::{Client, Config, Credentials};
use model::shapes::RunTaskInput;

type Error = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::builder()
        .region(std::env::var("AWS_REGION")?)
        .endpoint_url(std::env::var("AWS_ENDPOINT_URL_ECS")?)
        .credentials(Credentials::new(
            std::env::var("AWS_ACCESS_KEY_ID")?,
            std::env::var("AWS_SECRET_ACCESS_KEY")?,
        ))
        .build()?;
    let input = RunTaskInput {
        task_definition: Some("demo".into()),
        ..Default::default()
    };
    let started = Client::new(config).run_task(input).await?;
    println!("{}", started.tasks.as_deref().unwrap_or_default().len());
    Ok(())
}
