//! The folder of a new connector, laid out from the SDK's templates. Never overwrites.

use std::path::{Path, PathBuf};

use hub_core::problem::{Code, Problem};

use super::build::write;
use crate::config::environment;

/// What a connector can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// A manifest in Airbyte's low-code language.
    Yaml,
    /// A crate with hub's SDK.
    Rust,
    /// A package with hub's SDK for JavaScript.
    Js,
}

/// Path in the new folder, and text. `{{name}}`, `{{Name}}` and `{{sdk}}` stand for the name, the name of a type, and the SDK's folder.
type File = (&'static str, &'static str);

macro_rules! files {
    ($folder:literal: $($path:literal => $source:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../sdk/", $folder, "/", $source)))),+]
    };
}

const YAML: &[File] = files!("templates/yaml":
    "connector.toml" => "connector.toml",
    "manifest.yaml" => "manifest.yaml",
    "labels.toml" => "labels.toml",
    "test.toml" => "test.toml",
    "manifest.toml" => "manifest.toml",
    "recordings/people.json" => "recordings/people.json",
    "README.md" => "README.md",
    ".gitignore" => "gitignore",
);

const RUST: &[File] = files!("templates/rust":
    "Cargo.toml" => "Cargo.toml.template",
    "connector.toml" => "connector.toml",
    "README.md" => "README.md",
    "src/lib.rs" => "src/lib.rs",
    "src/tests.rs" => "src/tests.rs",
    "schemas/config.json" => "schemas/config.json",
    "schemas/items.json" => "schemas/items.json",
    "test.toml" => "test.toml",
    "recordings/items.json" => "recordings/items.json",
);

/// What the template takes from a workspace, for a crate that stands alone.
const ALONE: [(&str, &str); 8] = [
    ("\nversion.workspace = true", "\nversion = \"0.1.0\""),
    ("edition.workspace = true", "edition = \"2024\""),
    ("rust-version.workspace = true", "rust-version = \"1.95\""),
    ("license.workspace = true", "license = \"Apache-2.0\""),
    ("publish.workspace = true", "publish = false"),
    ("hub-sdk.workspace = true", "hub-sdk = { path = \"{{sdk}}\" }"),
    ("serde.workspace = true", "serde = { version = \"1\", default-features = false, features = [\"std\", \"derive\"] }"),
    (
        "\n[lints]\nworkspace = true\n",
        "\n[workspace]\n\n[profile.release]\nopt-level = 3\nlto = \"fat\"\ncodegen-units = 1\npanic = \"abort\"\nstrip = \"debuginfo\"\n",
    ),
];

/// Lays the folder out; answers with the files that were made.
///
/// # Errors
/// E009 for a name that cannot be used, a folder that is there, or an SDK that is not found.
pub fn lay_out(folder: &Path, name: &str, language: Language, sdk: Option<&Path>) -> Result<Vec<PathBuf>, Problem> {
    check(name)?;
    if folder.exists() {
        return Err(Problem::new(
            Code::E009,
            format!("`{}` is there already", folder.display()),
            "choose another name, or another place with `--in`",
        ));
    }
    let place = match language {
        Language::Yaml => PathBuf::new(),
        Language::Rust | Language::Js => sdk_folder(folder, sdk)?,
    };
    let files: Vec<(String, String)> = match language {
        Language::Yaml => YAML.iter().map(owned).collect(),
        Language::Rust => {
            let alone = |text: &str| ALONE.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
            let mut files: Vec<(String, String)> = RUST.iter().map(|(path, text)| ((*path).to_owned(), alone(text))).collect();
            files.push((".gitignore".to_owned(), "target/\n".to_owned()));
            files
        }
        Language::Js => java_script(&place.join("js/template"))?,
    };
    let sdk = if language == Language::Js { place.join("js") } else { place };
    let mut made = Vec::new();
    for (path, text) in files {
        let path = folder.join(path);
        write(&path, fill(&text, name, &sdk).as_bytes())?;
        made.push(path);
    }
    if language == Language::Yaml {
        let secret = folder.join("secrets/api_key");
        write(&secret, b"an-invented-key\n")?;
        made.push(secret);
    }
    Ok(made)
}

fn owned((path, text): &File) -> (String, String) {
    ((*path).to_owned(), (*text).to_owned())
}

/// The files of the SDK's own template, which only the SDK's folder has.
fn java_script(template: &Path) -> Result<Vec<(String, String)>, Problem> {
    fn walk(folder: &Path, below: &Path, found: &mut Vec<(String, String)>) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let inside = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                walk(&entry.path(), &inside, found)?;
            } else {
                let name = inside.display().to_string();
                // A file that npm or git would take for its own has another name in the template.
                let name = if name == "gitignore" { ".gitignore".to_owned() } else { name };
                found.push((name, std::fs::read_to_string(entry.path())?));
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(template, Path::new(""), &mut found).map_err(|error| {
        Problem::new(Code::E009, format!("`{}` cannot be read: {error}", template.display()), "name the SDK's folder: `--sdk`")
    })?;
    found.sort();
    Ok(found)
}

fn check(name: &str) -> Result<(), Problem> {
    let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if letters && name.len() <= 64 && name.starts_with(|letter: char| letter.is_ascii_lowercase()) && !name.ends_with('-') {
        return Ok(());
    }
    let help = "lower-case letters, digits and hyphens, at most 64, a letter first: `my-system`";
    Err(Problem::new(Code::E009, format!("`{}` is no name for a connector", crate::capability::runtime::clean(name, 64)), help))
}

/// `my-system` as the name of a type is `MySystem`.
fn fill(text: &str, name: &str, sdk: &Path) -> String {
    let parts = name.split('-').map(|part| {
        let (first, rest) = part.split_at(part.len().min(1));
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    let sdk = sdk.display().to_string();
    text.replace("{{name}}", name).replace("{{Name}}", &parts.collect::<String>()).replace("{{sdk}}", &sdk)
}

/// `--sdk`, else `HUB_SDK`, else the one in the clone that the new folder, or this program, lies in.
fn sdk_folder(folder: &Path, named: Option<&Path>) -> Result<PathBuf, Problem> {
    let is_sdk = |folder: &Path| std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.contains("name = \"hub-sdk\""));
    let named = named.map(Path::to_owned).or_else(|| environment("HUB_SDK").map(PathBuf::from));
    if let Some(named) = named {
        let named = std::path::absolute(&named).unwrap_or(named);
        return if is_sdk(&named) {
            Ok(named)
        } else {
            Err(Problem::new(Code::E009, format!("`{}` is not hub's SDK", named.display()), "name the folder `sdk` of a clone of hub"))
        };
    }
    let here = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let program = std::env::current_exe().unwrap_or_default();
    let above = here.ancestors().chain(program.ancestors()).map(|folder| folder.join("sdk"));
    above.into_iter().find(|folder| is_sdk(folder)).ok_or_else(|| {
        let help = "name the folder `sdk` of a clone of hub with `--sdk`, or write the connector in YAML, which needs none: `--lang yaml`";
        Problem::new(Code::E009, "hub's SDK is not found", help)
    })
}
