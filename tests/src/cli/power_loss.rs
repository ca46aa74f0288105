//! What a disk may have of a folder when the power goes while a program writes there: the program's calls, as strace saw them, and every
//! state that they allow. What was synced is there. Of the rest any part may be: of a file each sector by itself, of a folder each name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use crate::inputs::Replay;

/// Bytes that a disk writes all or none of.
const SECTOR_LEN: usize = 512;
/// Of so many sectors, or names, all subsets are tried.
const MAX_ALL: usize = 8;
/// So many states of several files together are all tried.
const MAX_COMBINED: usize = 1024;
/// Of more than that, so many that were thrown with dice.
const THROWN: usize = 64;
/// strace's options, for [`Run::traced`](super::Run::traced): all calls by which a file or a folder changes, whole, in hexadecimal digits.
pub const TRACED: [&str; 5] = ["-xx", "-s", "16777216", "-e", CALLS];
const CALLS: &str = "trace=openat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,copy_file_range,sendfile,splice,fsync,\
                     fdatasync,syncfs,linkat,link,rename,renameat,renameat2,unlink,unlinkat,mkdirat,symlinkat";

/// A folder's files by their names.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A file, whatever its names.
type Inode = usize;

#[derive(Clone, Debug)]
enum Step {
    Write { inode: Inode, at: usize, bytes: Vec<u8> },
    Sync(Inode),
    Names(NameChange),
    SyncFolder,
}

/// A name that goes, one that comes, or both, at once.
#[derive(Clone, Debug)]
struct NameChange {
    gone: Option<String>,
    new: Option<(String, Inode)>,
}

/// All that a program did to the files of one folder.
#[derive(Clone, Debug)]
pub struct Recording {
    before: Files,
    steps: Vec<Step>,
}

impl Recording {
    /// What a trace with the options of [`TRACED`] says of a folder that had these files before.
    ///
    /// # Panics
    /// If the program did what this knows nothing of.
    #[must_use]
    pub fn of(trace: &str, folder: &Path, before: &Files) -> Self {
        let folder = folder.canonicalize().expect("it is there").to_string_lossy().into_owned();
        let mut reader = Reader {
            folder,
            files: before.values().cloned().collect(),
            names: before.keys().cloned().zip(0..).collect(),
            unnamed: HashMap::new(),
            descriptors: HashMap::new(),
            ends: HashMap::new(),
            steps: Vec::new(),
        };
        let mut begun = HashMap::new();
        for line in trace.lines() {
            let (pid, line) = line.split_once(' ').expect("strace begins with the process");
            let line = line.trim_start();
            if let Some((start, _)) = line.split_once(" <unfinished ...>") {
                begun.insert(pid, start.to_owned());
            } else if let Some((_, rest)) = line.split_once(" resumed>") {
                let start = begun.remove(pid).expect("it began");
                reader.call(&(start + rest));
            } else {
                reader.call(line);
            }
        }
        Self { before: before.clone(), steps: reader.steps }
    }

    /// The same of a program that syncs nothing.
    #[must_use]
    pub fn without_syncs(mut self) -> Self {
        self.steps.retain(|step| !matches!(step, Step::Sync(_) | Step::SyncFolder));
        self
    }

    /// How many calls there are of files, and of names; those that sync, too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether it did nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What the folder has in the end.
    #[must_use]
    pub fn end(&self) -> Files {
        let mut disk = Disk::of(&self.before);
        self.steps.iter().for_each(|step| disk.take(Some(step)));
        disk.take(Some(&Step::SyncFolder));
        disk.names.into_iter().map(|(name, inode)| (name, disk.files.get(inode).map_or_else(Vec::new, Content::end))).collect()
    }

    /// The states that the disk may have before each of the calls, and after the last one; each once, at the first that allows it.
    #[must_use]
    pub fn states(&self, rng: &mut Replay) -> Vec<Vec<Files>> {
        let mut disk = Disk::of(&self.before);
        let mut seen = BTreeSet::new();
        let mut states = Vec::new();
        for step in std::iter::once(None).chain(self.steps.iter().map(Some)) {
            disk.take(step);
            states.push(disk.states(rng).into_iter().filter(|state| seen.insert(hash_of(state))).collect());
        }
        states
    }
}

fn hash_of(files: &Files) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in files.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]) {
        hasher.update(&part.len().to_le_bytes()).update(part);
    }
    *hasher.finalize().as_bytes()
}

/// What is on the disk for certain, and what may be.
struct Disk {
    files: Vec<Content>,
    names: BTreeMap<String, Inode>,
    pending: Vec<NameChange>,
}

struct Content {
    synced: Vec<u8>,
    /// Pieces of one sector.
    pending: Vec<(usize, Vec<u8>)>,
}

impl Content {
    fn with<'a>(&'a self, pieces: impl IntoIterator<Item = &'a (usize, Vec<u8>)>, len: usize) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        bytes.resize(len.max(bytes.len()), 0);
        for (at, piece) in pieces {
            bytes.resize(bytes.len().max(at + piece.len()), 0);
            bytes[*at..at + piece.len()].copy_from_slice(piece);
        }
        bytes
    }

    /// What it has when all of it is there.
    fn end(&self) -> Vec<u8> {
        self.with(&self.pending, 0)
    }

    /// What it may have; a file may have grown on the disk before what it grew by is there.
    fn states(&self, rng: &mut Replay) -> Vec<Vec<u8>> {
        let end = self.pending.iter().map(|(at, piece)| at + piece.len()).max().unwrap_or(0);
        let subsets = subsets(self.pending.len(), rng);
        let states = subsets.iter().flat_map(|chosen| [0, end].map(|len| self.with(chosen.iter().map(|&index| &self.pending[index]), len)));
        states.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Disk {
    fn of(files: &Files) -> Self {
        Self {
            files: files.values().cloned().map(|synced| Content { synced, pending: Vec::new() }).collect(),
            names: files.keys().cloned().zip(0..).collect(),
            pending: Vec::new(),
        }
    }

    fn take(&mut self, step: Option<&Step>) {
        match step {
            None => {}
            Some(Step::Write { inode, at, bytes }) => {
                let content = self.file(*inode);
                let (mut at, mut rest) = (*at, &bytes[..]);
                while !rest.is_empty() {
                    let (piece, more) = rest.split_at(rest.len().min(SECTOR_LEN - at % SECTOR_LEN));
                    // What is there already changes nothing, whether it is written or not.
                    let is_there = content.synced.get(at..at + piece.len()) == Some(piece);
                    if !is_there || content.pending.iter().any(|(other, _)| other / SECTOR_LEN == at / SECTOR_LEN) {
                        content.pending.push((at, piece.to_vec()));
                    }
                    (at, rest) = (at + piece.len(), more);
                }
            }
            Some(Step::Sync(inode)) => {
                let content = self.file(*inode);
                content.synced = content.end();
                content.pending.clear();
            }
            Some(Step::Names(change)) => self.pending.push(change.clone()),
            Some(Step::SyncFolder) => {
                let changes = std::mem::take(&mut self.pending);
                changes.iter().for_each(|change| change.make(&mut self.names));
            }
        }
    }

    fn file(&mut self, inode: Inode) -> &mut Content {
        while self.files.len() <= inode {
            self.files.push(Content { synced: Vec::new(), pending: Vec::new() });
        }
        &mut self.files[inode]
    }

    fn states(&self, rng: &mut Replay) -> Vec<Files> {
        let mut states = Vec::new();
        for chosen in subsets(self.pending.len(), rng) {
            for chosen in [chosen.clone(), rng.shuffled(chosen)] {
                let mut names = self.names.clone();
                chosen.iter().for_each(|&index| self.pending[index].make(&mut names));
                let contents = names.iter().map(|(name, &inode)| {
                    let states = self.files.get(inode).map_or_else(|| vec![Vec::new()], |content| content.states(rng));
                    (name, states)
                });
                states.extend(combined(&contents.collect::<Vec<_>>(), rng));
            }
        }
        states
    }
}

/// Each of what one file may have with each of what the others may, or as many as were thrown with dice, where those would be too many.
fn combined(contents: &[(&String, Vec<Vec<u8>>)], rng: &mut Replay) -> Vec<Files> {
    let count = contents.iter().map(|(_, states)| states.len()).product::<usize>();
    let one = |mut pick: Box<dyn FnMut(usize) -> usize + '_>| {
        contents.iter().map(|(name, states)| ((*name).clone(), states[pick(states.len())].clone())).collect()
    };
    if count > MAX_COMBINED {
        return (0..THROWN).map(|_| one(Box::new(|bound| rng.below(bound)))).collect();
    }
    let all = (0..count).map(|index| {
        let mut rest = index;
        one(Box::new(move |bound| {
            let digit = rest % bound;
            rest /= bound;
            digit
        }))
    });
    all.collect()
}

impl NameChange {
    fn make(&self, names: &mut BTreeMap<String, Inode>) {
        if let Some(gone) = &self.gone {
            names.remove(gone);
        }
        if let Some((name, inode)) = &self.new {
            names.insert(name.clone(), *inode);
        }
    }
}

/// Which of so many are there: all subsets, or none, each alone, all but each, the first ones, the last ones, and others.
fn subsets(count: usize, rng: &mut Replay) -> Vec<Vec<usize>> {
    let subset = |is_in: &mut dyn FnMut(usize) -> bool| (0..count).filter(|&index| is_in(index)).collect::<Vec<_>>();
    if count <= MAX_ALL {
        return (0..1_u32 << count).map(|bits| subset(&mut |index| (bits >> index) & 1 == 1)).collect();
    }
    let mut subsets = Vec::new();
    for at in 0..=count {
        subsets.push(subset(&mut |index| index < at));
        subsets.push(subset(&mut |index| index >= at));
        subsets.push(subset(&mut |index| index == at));
        subsets.push(subset(&mut |index| index != at));
    }
    for _ in 0..THROWN {
        subsets.push(subset(&mut |_| rng.below(2) == 1));
    }
    subsets
}

/// Reads a trace, and does what it says.
struct Reader {
    folder: String,
    files: Vec<Vec<u8>>,
    names: BTreeMap<String, Inode>,
    /// By the names that the system has for what has none.
    unnamed: HashMap<String, Inode>,
    /// What each descriptor was last.
    descriptors: HashMap<String, String>,
    /// Where each file that is written without an offset goes on.
    ends: HashMap<Inode, usize>,
    steps: Vec<Step>,
}

impl Reader {
    fn call(&mut self, line: &str) {
        let Some((name, rest)) = line.split_once('(').filter(|_| line.starts_with(|letter: char| letter.is_ascii_lowercase())) else {
            return;
        };
        let (args, result) = rest.rsplit_once(" = ").expect("a call has a result");
        let args: Vec<_> = args.trim_end().trim_end_matches(')').split(", ").collect();
        if result.starts_with(['-', '?']) {
            return;
        }
        args.iter().chain([&result]).for_each(|word| self.note_descriptor(word));
        match name {
            "openat" if args[2].contains("O_TMPFILE") => {
                if let Some(path) = self.in_folder(result) {
                    let inode = self.new_file();
                    self.unnamed.insert(path, inode);
                }
            }
            "openat" if args[2].contains("O_CREAT") => {
                if let Some(path) = self.in_folder(result) {
                    let new = (path, self.new_file());
                    self.change(None, Some(new));
                }
            }
            "openat" => assert!(!args[2].contains("O_TRUNC") || self.in_folder(result).is_none(), "not known: {line}"),
            "write" | "pwrite64" => {
                let Some(inode) = self.file(args[0]) else { return };
                let mut bytes = text(args[1]);
                bytes.truncate(number(result));
                let at = if name == "write" { self.ends.get(&inode).copied().unwrap_or(0) } else { number(args[3]) };
                if name == "write" {
                    self.ends.insert(inode, at + bytes.len());
                }
                self.write(inode, at, bytes);
            }
            "copy_file_range" => {
                let Some(inode) = self.file(args[2]) else { return };
                let from = self.file(args[0]).expect("the backup is copied");
                let (start, at) = (number(args[1]), number(args[3]));
                self.write(inode, at, self.files[from][start..start + number(result)].to_vec());
            }
            "fsync" | "fdatasync" => {
                if path(args[0]) == self.folder {
                    self.steps.push(Step::SyncFolder);
                } else if let Some(inode) = self.file(args[0]) {
                    self.steps.push(Step::Sync(inode));
                }
            }
            "linkat" => {
                let from = if args[0].starts_with("AT_FDCWD") {
                    let descriptor = string(args[1]).rsplit('/').next().unwrap_or_default().to_owned();
                    self.descriptors[&descriptor].clone()
                } else {
                    format!("{}/{}", path(args[0]), string(args[1]))
                };
                let Some(to) = self.name(args[2], args[3]) else { return };
                let inode = self.inode_at(&from).expect("a file of the folder");
                self.change(None, Some((to, inode)));
            }
            "renameat" | "renameat2" => {
                let [from, to] = [self.name(args[0], args[1]), self.name(args[2], args[3])];
                let (Some(from), Some(to)) = (from, to) else { return };
                let inode = self.names[&from];
                self.change(Some(from), Some((to, inode)));
            }
            "unlinkat" => {
                let Some(name) = self.name(args[0], args[1]) else { return };
                self.change(Some(name), None);
            }
            _ => assert!(!args.iter().any(|word| word.contains('<') && self.in_folder(word).is_some()), "not known: {line}"),
        }
    }

    fn note_descriptor(&mut self, word: &str) {
        if let Some((descriptor, _)) = word.split_once('<') {
            self.descriptors.insert(descriptor.into(), path(word));
        }
    }

    /// The name that a descriptor has in the folder, if it is there.
    fn in_folder(&self, descriptor: &str) -> Option<String> {
        Some(path(descriptor).strip_prefix(&self.folder)?.strip_prefix('/')?.to_owned())
    }

    fn name(&self, folder: &str, name: &str) -> Option<String> {
        (path(folder) == self.folder).then(|| string(name))
    }

    fn file(&self, descriptor: &str) -> Option<Inode> {
        self.inode_at(&path(descriptor))
    }

    fn inode_at(&self, path: &str) -> Option<Inode> {
        let name = path.strip_prefix(&self.folder)?.strip_prefix('/')?;
        Some(*self.unnamed.get(name).or_else(|| self.names.get(name)).unwrap_or_else(|| panic!("{name}: no such file")))
    }

    fn new_file(&mut self) -> Inode {
        self.files.push(Vec::new());
        self.files.len() - 1
    }

    fn change(&mut self, gone: Option<String>, new: Option<(String, Inode)>) {
        let change = NameChange { gone, new };
        change.make(&mut self.names);
        self.steps.push(Step::Names(change));
    }

    fn write(&mut self, inode: Inode, at: usize, bytes: Vec<u8>) {
        let file = &mut self.files[inode];
        file.resize(file.len().max(at + bytes.len()), 0);
        file[at..at + bytes.len()].copy_from_slice(&bytes);
        self.steps.push(Step::Write { inode, at, bytes });
    }
}

/// The path that strace has beside a descriptor.
fn path(descriptor: &str) -> String {
    let path = descriptor.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>')).map_or("", |(path, _)| path);
    let path = string(path);
    path.strip_suffix(" (deleted)").unwrap_or(&path).to_owned()
}

fn string(word: &str) -> String {
    String::from_utf8_lossy(&text(word)).into_owned()
}

/// The bytes of a word in hexadecimal digits, each behind `\x`.
fn text(word: &str) -> Vec<u8> {
    assert!(!word.ends_with("..."), "strace has cut this off");
    let digits = word.trim_matches('"').split("\\x").skip(1);
    digits.map(|digits| u8::from_str_radix(digits, 16).expect("two digits")).collect()
}

/// The number that a word begins with; one that is pointed to is in brackets.
fn number(word: &str) -> usize {
    let word = word.trim_start_matches('[');
    let end = word.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(word.len());
    word[..end].parse().expect("a number")
}
