//! Files that pages need, under names that change with their content, so that browsers may keep
//! them for ever.

use std::collections::BTreeMap;
use std::path::Path;

use report::Problem;

use crate::config::Brand;
use crate::http::Rendered;

/// Levada's stylesheet and icon, and what `[brand]` adds.
#[derive(Default)]
pub(crate) struct Assets {
    files: BTreeMap<String, Rendered>,
    /// Addresses, in the order in which a page links them.
    pub(crate) stylesheets: Vec<String>,
    pub(crate) logo: Option<String>,
    pub(crate) icon: String,
}

const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// A logo or a stylesheet is smaller than this.
const SIZE_MAX: usize = 1 << 20;

impl Assets {
    /// Reads the files of the brand.
    ///
    /// # Errors
    /// A [`Problem`] that names the option whose file cannot be used.
    pub(crate) fn read(brand: &Brand) -> Result<Self, Problem> {
        let mut assets = Self::default();
        assets.icon = assets.add("icon", "svg", ICON.as_bytes().to_vec());
        let style = assets.add("style", "css", STYLE.as_bytes().to_vec());
        assets.stylesheets.push(style);
        if !brand.stylesheet.as_os_str().is_empty() {
            let brand = assets.add("brand", "css", bytes("stylesheet", &brand.stylesheet)?);
            assets.stylesheets.push(brand);
        }
        if !brand.logo.as_os_str().is_empty() {
            let logo = bytes("logo", &brand.logo)?;
            if !String::from_utf8_lossy(&logo).contains("<svg") {
                return Err(Problem::new("[brand] logo is no SVG file").hint("save it as SVG"));
            }
            assets.logo = Some(assets.add("logo", "svg", logo));
        }
        Ok(assets)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Rendered> {
        self.files.get(name)
    }

    fn add(&mut self, name: &str, extension: &str, content: Vec<u8>) -> String {
        let hash = blake3::hash(&content).to_hex();
        let name = format!("{name}-{}.{extension}", &hash[..12]);
        let kind = match extension {
            "css" => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        self.files.insert(name.clone(), Rendered::new(kind, FOR_EVER, &hash[..16], content));
        format!("/assets/{name}")
    }
}

fn bytes(option: &str, path: &Path) -> Result<Vec<u8>, Problem> {
    let content = std::fs::read(path).map_err(|error| {
        Problem::new(format!("[brand] {option} cannot be read"))
            .detail(format!("{}: {error}", path.display()))
            .hint("name a file, relative to the configuration")
    })?;
    match content.len() <= SIZE_MAX {
        true => Ok(content),
        false => Err(Problem::new(format!("[brand] {option} is larger than 1 MiB"))),
    }
}
