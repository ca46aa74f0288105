//! The code blocks of `README.md` and `KEYS.md`, so that what people copy from there is what is tested.
//!
//! The words after the three backticks tell the blocks apart: the first is the language, the others are ours.

use crate::tools::workspace_dir;

/// A code block.
#[derive(Clone, Debug)]
pub struct Block {
    /// The words after the backticks.
    pub info: String,
    /// What is in it.
    pub text: String,
}

impl Block {
    /// The language.
    #[must_use]
    pub fn language(&self) -> &str {
        self.info.split(' ').next().unwrap_or_default()
    }
}

/// All code blocks, in their order.
///
/// # Panics
/// If one of the texts is not there, or a block in it does not end.
#[must_use]
pub fn blocks() -> Vec<Block> {
    ["README.md", "KEYS.md"].iter().flat_map(|name| blocks_of(name)).collect()
}

fn blocks_of(name: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(workspace_dir().join(name)).expect("a text for people");
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let mut block = Block { info: info.into(), text: String::new() };
        loop {
            match lines.next().unwrap_or_else(|| panic!("a block of {name} does not end: {info}")) {
                "```" => break,
                line => block.text += &format!("{line}\n"),
            }
        }
        blocks.push(block);
    }
    blocks
}

/// The text of the one block with this info.
///
/// # Panics
/// If there is none, or more.
#[must_use]
pub fn block(info: &str) -> String {
    let mut found: Vec<_> = blocks().into_iter().filter(|block| block.info == info).collect();
    assert_eq!(found.len(), 1, "blocks ```{info}");
    found.remove(0).text
}
