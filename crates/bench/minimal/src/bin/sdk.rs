//! RunTask with aws-sdk-ecs and aws-config, as little as a program can do.

type Error = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_from_env().await;
    let client = aws_sdk_ecs::Client::new(&config);
    let started = client.run_task().task_definition("demo").send().await?;
    println!("{}", started.tasks().len());
    Ok(())
}
