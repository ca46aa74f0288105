//! The kit: page, style, glue, worker and WASM in one HTML file, which a browser opens from a disk.
//!
//! A page from a file may load nothing beside itself, modules and workers included. So the glue is a script in the page, and the worker
//! is made of text that the page holds. The policy names each script by its hash; what is added to the file later does not run.

use std::fs;
use std::path::Path;

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

use crate::{BuildError, Form, write_glue};

/// The object that the glue puts its names in.
const GLUE_NAME: &str = "dbsealWeb";

/// What the hosted page says where the kit says the same with the text itself.
const STYLE: &str = r#"<link rel="stylesheet" href="style.css">"#;
const SCRIPT: &str = r#"<script type="module" src="page.js"></script>"#;
/// The policy comes as early as it can: nothing in front of it is bound by it.
const HEAD: &str = r#"<meta charset="utf-8">"#;

/// Writes the kit from the sources of the page and its single-threaded build.
///
/// # Errors
/// Where a source is missing, or is not as the kit needs it.
pub fn write_kit(sources: &Path, wasm: &Path, target_dir: &Path, kit: &Path) -> Result<(), BuildError> {
    let glue_dir = target_dir.join("kit-glue");
    write_glue(wasm, Form::Script(GLUE_NAME), &glue_dir)?;
    let name = wasm.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let glue = read_text(&glue_dir.join(format!("{name}.js")))?;
    let wasm_path = glue_dir.join(format!("{name}_bg.wasm"));
    let wasm = Base64::encode_string(&fs::read(&wasm_path).map_err(BuildError::io(&wasm_path))?);

    let style = read_text(&sources.join("style.css"))?;
    let script = read_text(&sources.join("kit.js"))?;
    let worker = read_text(&sources.join("kit-worker.js"))?;
    for (name, text) in [("the glue", &glue), ("kit.js", &script), ("kit-worker.js", &worker)] {
        refuse(name, text, &["</script", "<!--"])?;
    }
    refuse("style.css", &style, &["</style", "url(", "@import"])?;

    let policy = format!(
        "default-src 'none'; script-src {} {} 'wasm-unsafe-eval'; style-src {}; worker-src blob:; img-src data:; connect-src 'none'; \
         base-uri 'none'; form-action 'none'",
        hash(&glue),
        hash(&script),
        hash(&style)
    );
    let scripts = format!(
        "<script type=\"text/plain\" id=\"wasm\">{wasm}</script>\n<script type=\"text/plain\" id=\"worker\">{worker}</script>\n\
         <script id=\"glue\">{glue}</script>\n<script>{script}</script>"
    );
    let mut page = read_text(&sources.join("index.html"))?;
    for (from, to) in [
        (HEAD, format!("{HEAD}\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")),
        (STYLE, format!("<style>{style}</style>")),
        // A module waits for the page; these scripts stand at its end instead.
        (SCRIPT, String::new()),
        ("</body>", format!("{scripts}\n</body>")),
    ] {
        if page.matches(from).count() != 1 {
            return Err(BuildError::Source { place: "index.html".into(), reason: format!("{from} is not in there once") });
        }
        page = page.replace(from, &to);
    }
    fs::write(kit, page).map_err(BuildError::io(kit))
}

/// The name by which a policy allows a script or a style.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", Base64::encode_string(&Sha256::digest(text.as_bytes())))
}

fn read_text(path: &Path) -> Result<String, BuildError> {
    let text = fs::read_to_string(path).map_err(BuildError::io(path))?;
    // A browser reads line ends as line feeds before it hashes.
    if text.contains('\r') {
        return Err(BuildError::Source { place: path.display().to_string(), reason: "it has carriage returns".into() });
    }
    Ok(text)
}

/// What would end the element around a text, or have the kit load what it does not hold.
fn refuse(name: &str, text: &str, words: &[&str]) -> Result<(), BuildError> {
    match words.iter().find(|&&word| text.to_ascii_lowercase().contains(word)) {
        Some(word) => Err(BuildError::Source { place: name.into(), reason: format!("{word} cannot be part of the kit") }),
        None => Ok(()),
    }
}
