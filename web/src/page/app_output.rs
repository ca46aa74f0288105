//! Where an output goes in the desktop app: into a file, or into a program.

use super::elements::{Tag, choice, div, paragraph};
use super::texts;
use crate::messages::{AppOutput, Failure, SealPolicy, Zstd};

/// The part of a form where that is chosen.
#[derive(Clone)]
pub(super) struct AppOutputSection {
    pub(super) tag: Tag,
    into_program: Tag,
    line: Tag,
    decompress: Tag,
}

impl AppOutputSection {
    /// With what is chosen already. Into a program goes nothing that is opened without its seal.
    pub(super) fn new((output, zstd): &(AppOutput, Zstd), seal: &SealPolicy) -> Self {
        let is_asked = *seal != SealPolicy::Ignored;
        let option = |id: &str, (label, hint): (&str, &str)| choice("radio", "output", id, label, hint);
        let (file_row, into_file) = option("output-file", texts::OUTPUT_FILE);
        let (program_row, into_program) = option("output-program", texts::OUTPUT_PROGRAM);
        let line = Tag::new("input").id("program").attr("type", "text").attr("autocomplete", "off").attr("spellcheck", "false");
        let line = line.attr("autocapitalize", "off").attr("aria-describedby", "program-hint").attr("placeholder", texts::PROGRAM_EXAMPLE);
        match output {
            AppOutput::Program(chosen) if is_asked => {
                into_program.input().set_checked(true);
                line.input().set_value(chosen);
            }
            AppOutput::Program(_) | AppOutput::File => into_file.input().set_checked(true),
        }
        let (decompress_row, decompress) = choice("checkbox", "decompress", "decompress", texts::DECOMPRESS.0, texts::DECOMPRESS.1);
        decompress.input().set_checked(*zstd == Zstd::Decompressed);
        let label = Tag::new("label").class("label").attr("for", "program").text(texts::PROGRAM_LABEL);
        let field = div("nested").child(label).child(paragraph("hint", texts::PROGRAM_HINT).id("program-hint")).child(line.clone());
        let update = {
            let (field, into_program) = (field.clone(), into_program.clone());
            move || field.show(into_program.input().checked())
        };
        update();
        let rows = Tag::new("fieldset").class("choices").child(Tag::new("legend").class("visually-hidden").text(texts::OUTPUT));
        let rows = rows.child(file_row).child(program_row).child(field).on("change", move |_| update());
        let tag = div("app-output").child(is_asked.then_some(rows)).child(decompress_row);
        Self { tag, into_program, line, decompress }
    }

    /// What is chosen, or what is missing.
    pub(super) fn chosen(&self) -> Result<(AppOutput, Zstd), (Failure, &'static str)> {
        let zstd = if self.decompress.input().checked() { Zstd::Decompressed } else { Zstd::Kept };
        if !self.into_program.input().checked() {
            return Ok((AppOutput::File, zstd));
        }
        let line = self.line.input().value();
        if line.trim().is_empty() { Err((texts::no_program(), "program")) } else { Ok((AppOutput::Program(line), zstd)) }
    }
}
