//! A program that an output goes to, in the desktop app.

use super::elements::{Tag, choice, div, paragraph};
use super::texts;
use crate::messages::{Failure, Program, Zstd};

/// The part of a form where a file or a program is chosen.
#[derive(Clone)]
pub(super) struct ProgramSection {
    pub(super) tag: Tag,
    into_program: Tag,
    line: Tag,
    decompress: Tag,
}

impl ProgramSection {
    /// `chosen` is the program, where one is chosen already.
    pub(super) fn new(chosen: Option<&Program>) -> Self {
        let option = |id: &str, (label, hint): (&str, &str)| choice("radio", "output", id, label, hint);
        let (file_row, into_file) = option("output-file", texts::OUTPUT_FILE);
        let (program_row, into_program) = option("output-program", texts::OUTPUT_PROGRAM);
        let line = Tag::new("input").id("program").attr("type", "text").attr("autocomplete", "off").attr("spellcheck", "false");
        let line = line.attr("autocapitalize", "off").attr("aria-describedby", "program-hint").attr("placeholder", texts::PROGRAM_EXAMPLE);
        let (decompress_row, decompress) = choice("checkbox", "decompress", "decompress", texts::DECOMPRESS.0, texts::DECOMPRESS.1);
        match chosen {
            Some(Program { line: chosen, zstd }) => {
                into_program.input().set_checked(true);
                line.input().set_value(chosen);
                decompress.input().set_checked(*zstd == Zstd::Decompressed);
            }
            None => into_file.input().set_checked(true),
        }
        let label = Tag::new("label").class("label").attr("for", "program").text(texts::PROGRAM_LABEL);
        let field = div("nested").child(label).child(paragraph("hint", texts::PROGRAM_HINT).id("program-hint")).child(line.clone());
        let field = field.child(decompress_row);
        let update = {
            let (field, into_program) = (field.clone(), into_program.clone());
            move || field.show(into_program.input().checked())
        };
        update();
        let rows = Tag::new("fieldset").class("choices").child(Tag::new("legend").class("visually-hidden").text(texts::OUTPUT));
        let tag = rows.child(file_row).child(program_row).child(field).on("change", move |_| update());
        Self { tag, into_program, line, decompress }
    }

    /// The program, where one was chosen, or what is missing.
    pub(super) fn chosen(&self) -> Result<Option<Program>, (Failure, &'static str)> {
        if !self.into_program.input().checked() {
            return Ok(None);
        }
        let line = self.line.input().value();
        let zstd = if self.decompress.input().checked() { Zstd::Decompressed } else { Zstd::Kept };
        if line.trim().is_empty() { Err((texts::no_program(), "program")) } else { Ok(Some(Program { line, zstd })) }
    }
}
