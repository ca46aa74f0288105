//! Two machines with an air gap between them, and what crosses it: a text, or pictures of a screen.

use std::fs;

use image::{GrayImage, Luma};

use super::{Ended, Folder};
use crate::inputs::paint;

/// More than a chunk, and a part of one.
const PLAIN_LEN: usize = (1 << 20) + 17;

/// Pixels along the side of a module in a picture, and those of the screen around the codes.
const MODULE: u32 = 4;
const MARGIN: u32 = 60;

/// The machine that restores, with a backup, and the one that has the private key, and whom to trust.
pub struct Machines {
    /// It has `shop.sql`, its backup `shop.age`, signed by `db1.sign.key`, and `backup.pub`.
    pub here: Folder,
    /// It has `backup.key`, and whom to trust in `t/trust`.
    pub there: Folder,
}

impl Machines {
    /// Both, with a key that `keygen` makes with these arguments.
    ///
    /// # Panics
    /// If they cannot be made.
    #[must_use]
    pub fn new(kind: &[&str]) -> Self {
        let (here, there) = (Folder::new(), Folder::new());
        there.dbseal(["keygen", "-o", "backup.key"]).args(kind.iter().copied()).run().succeeds();
        here.write("shop.sql", paint(PLAIN_LEN));
        here.dbseal(["keygen", "--sign", "db1", "-o", "db1.sign.key"]).run().succeeds();
        fs::create_dir(there.path("t")).expect("a folder");
        fs::create_dir(here.path("b")).expect("a folder");
        there.write("t/trust", here.read_text("db1.sign.pub"));
        here.write("backup.pub", there.read_text("backup.pub"));
        let this = Self { here, there };
        this.encrypt("b/shop.age", &["--sign", "db1.sign.key"]);
        this
    }

    /// Makes another backup.
    pub fn encrypt(&self, name: &str, more: &[&str]) {
        self.here.dbseal(["encrypt", "-R", "backup.pub", "-o", name, "shop.sql"]).args(more.iter().copied()).run().succeeds();
    }

    /// Asks for backups; the code that is shown.
    ///
    /// # Panics
    /// If none is.
    pub fn request(&self, name: &str, backups: &[&str]) -> String {
        let said = self.here.dbseal(["request", "-o", name]).args(backups.iter().copied()).run().succeeds();
        self.there.write(name, self.here.read_text(name));
        code_of(&said.stdout)
    }

    /// The same by a camera: the code, and the names of the pictures.
    ///
    /// # Panics
    /// If nothing is drawn.
    pub fn request_by_camera(&self, name: &str, backups: &[&str]) -> (String, Vec<String>) {
        let said = self.here.dbseal(["request", "--qr", "-o", name]).args(backups.iter().copied()).run().succeeds();
        (code_of(&said.stdout), photograph(&said.stdout, &self.there, name))
    }

    /// Carries a grant over, and opens a backup with it.
    pub fn open(&self, request: &str, grant: &str, backup: &str) -> Ended {
        self.here.write("grant", grant);
        self.here.dbseal(["decrypt", "--request", request, "--grant", "grant", "-f", "-o", "out", backup]).run()
    }
}

fn code_of(said: &[u8]) -> String {
    let said = String::from_utf8(said.to_vec()).expect("text");
    said.lines().find_map(|line| line.strip_prefix("Code of the request: ")).expect("the code").to_owned()
}

/// Takes a picture of each code on a screen, on the other machine: their names.
///
/// # Panics
/// If they cannot be written.
pub fn photograph(screen: &[u8], machine: &Folder, name: &str) -> Vec<String> {
    let screen = String::from_utf8(screen.to_vec()).expect("text");
    let lines: Vec<Vec<char>> = screen.lines().map(|line| line.chars().collect()).collect();
    let is_code = |line: &&Vec<char>| !line.is_empty() && line.iter().all(|character| " █▀▄".contains(*character));
    let mut lines: Vec<_> = lines.iter().filter(is_code).collect();
    let mut names = Vec::new();
    while let Some(first) = lines.first() {
        let code: Vec<_> = lines.drain(..first.len().div_ceil(2)).collect();
        let is_dark = |x: usize, y: usize| "█".contains(code[y / 2][x]) || code[y / 2][x] == ['▀', '▄'][y % 2];
        let side = u32::try_from(code[0].len()).expect("a side") * MODULE + 2 * MARGIN;
        let picture = GrayImage::from_fn(side, side, |x, y| {
            let module = |at: u32| at.checked_sub(MARGIN).map(|at| (at / MODULE) as usize).filter(|at| *at < code[0].len());
            match module(x).zip(module(y)) {
                Some((x, y)) if y < code.len() * 2 && is_dark(x, y) => Luma([20]),
                Some(_) => Luma([230]),
                None => Luma([60]),
            }
        });
        names.push(format!("{name}-{}.{}", names.len() + 1, ["png", "jpg"][names.len() % 2]));
        picture.save(machine.path(&names[names.len() - 1])).expect("there is room");
    }
    names
}
