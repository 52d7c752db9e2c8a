//! `longshore image`: the native driver's image store, worked on directly.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use runtime::native::image::{ImageConfig, ImageError, ImageRecord, ImageStore, Reference, Source};

use crate::arguments::{ImageCommand, ImportArguments};
use crate::driver;
use crate::exit;

/// Digits of an id that are shown.
const SHORT_ID: usize = 12;

pub(crate) fn image(command: ImageCommand, data_dir: &Path) -> ExitCode {
    match perform(command, data_dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => exit::failure(&sentence),
    }
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn perform(command: ImageCommand, data_dir: &Path) -> Result<(), String> {
    let store = driver::images(data_dir).map_err(sentence)?;
    match command {
        ImageCommand::Load { file } => {
            for image in store.load(open(&file)?).map_err(sentence)? {
                println!("loaded {}", image.references.join(" "));
            }
        }
        ImageCommand::Import(arguments) => {
            let image = import(&store, &arguments)?;
            println!(
                "imported {} {}",
                image.references.join(" "),
                short(&image.id)
            );
        }
        ImageCommand::Ls => {
            let images = store.list().map_err(sentence)?;
            images.iter().for_each(|image| println!("{}", line(image)));
        }
        ImageCommand::Rm { image } => {
            let removed = store.remove(&image).map_err(sentence)?;
            removed
                .untagged
                .iter()
                .for_each(|name| println!("untagged {name}"));
            removed
                .deleted
                .iter()
                .for_each(|id| println!("deleted {id}"));
        }
    }
    Ok(())
}

fn import(store: &ImageStore, arguments: &ImportArguments) -> Result<ImageRecord, String> {
    let reference: Reference = arguments
        .tag
        .parse()
        .map_err(|error| format!("--tag {}: {error}", arguments.tag))?;
    let config = ImageConfig {
        entrypoint: arguments.entrypoint.clone(),
        cmd: arguments.cmd.clone(),
        env: arguments.env.clone(),
        working_dir: arguments.workdir.clone(),
        user: arguments.user.clone(),
        ..ImageConfig::default()
    };
    if arguments.source.is_dir() {
        let source = Source::Dir(&arguments.source);
        return store.import(source, &reference, config).map_err(sentence);
    }
    let mut tar = open(&arguments.source)?;
    store
        .import(Source::Tar(&mut tar), &reference, config)
        .map_err(sentence)
}

/// The file, or standard input for `-`.
fn open(path: &Path) -> Result<Box<dyn Read>, String> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file =
        File::open(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    Ok(Box::new(file))
}

fn line(image: &ImageRecord) -> String {
    let mebibytes = image.size_bytes.div_ceil(1024 * 1024);
    let names = image.references.join(" ");
    format!(
        "{}  {:>6} MiB  {}  {names}",
        short(&image.id),
        mebibytes,
        image.architecture
    )
}

fn short(id: &str) -> &str {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    digits.get(..SHORT_ID).unwrap_or(digits)
}

fn sentence(error: ImageError) -> String {
    error.to_string()
}
