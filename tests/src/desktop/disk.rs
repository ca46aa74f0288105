//! Disks that fill, that are pulled, that cannot be written to: real file systems in a folder of the test, gone with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::syncfs;

use crate::cli::Folder;
use crate::tools::tool;

/// A file system that lies in memory. Dropped, it is gone.
pub struct MemoryDisk {
    folder: Folder,
}

impl MemoryDisk {
    /// One with room for so many bytes.
    ///
    /// # Panics
    /// If it cannot be mounted.
    #[must_use]
    pub fn with_room(len: u64) -> Self {
        let folder = Folder::new();
        mount(&["-t", "tmpfs", "-o", &format!("size={len}"), "none"], &folder.path(""));
        Self { folder }
    }

    /// The same, written to no more.
    ///
    /// # Panics
    /// If it cannot be mounted so.
    #[must_use]
    pub fn read_only(self) -> Self {
        mount(&["-o", "remount,ro"], &self.folder.path(""));
        self
    }

    /// The folder of it, or a file in that.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    /// All names on it.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.folder.names()
    }
}

impl Drop for MemoryDisk {
    fn drop(&mut self) {
        unmount(&self.folder.path(""));
    }
}

/// A disk with ext4 that can be pulled out of the running machine: from then on it gives nothing, and takes nothing.
pub struct UsbDisk {
    folder: Folder,
    device: String,
}

impl UsbDisk {
    /// One with room for so many bytes, plugged in.
    ///
    /// # Panics
    /// If it cannot be made, or mounted.
    #[must_use]
    pub fn with_room(len: u64) -> Self {
        let folder = Folder::new();
        fs::create_dir(folder.path("usb")).expect("a folder");
        File::create(folder.path("disk")).and_then(|file| file.set_len(len)).expect("a sparse file");
        run(Command::new(system("mkfs.ext4")).arg("-q").arg(folder.path("disk")));
        let mut disk = Self { folder, device: String::new() };
        disk.plug_in();
        disk
    }

    /// Where a file of it is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path("usb").join(name)
    }

    /// All names on it but that of every new file system's own folder.
    ///
    /// # Panics
    /// If it cannot be read.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path("usb")).expect("it is plugged in");
        entries
            .map(|entry| entry.expect("it can be read"))
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name != "lost+found")
            .collect()
    }

    /// Out and in again: nothing of it is in memory any more.
    ///
    /// # Panics
    /// If it cannot be mounted.
    pub fn replug(&mut self) {
        self.unmount();
        self.plug_in();
    }

    /// Pulls it, without a word to the system before.
    ///
    /// # Panics
    /// If that cannot be done.
    pub fn pull(&self) {
        // What had come to the disk by then is kept, to be looked at when it is plugged in again.
        syncfs(File::open(self.folder.path("usb")).expect("it is there")).expect("it is whole");
        run(Command::new("cp").arg("--sparse=always").args([self.folder.path("disk"), self.folder.path("kept")]));
        File::options().write(true).open(self.folder.path("disk")).and_then(|file| file.set_len(0)).expect("ours");
        run(Command::new(system("losetup")).args(["--set-capacity", &self.device]));
    }

    /// Plugs it in again, with what was on it when it was pulled.
    ///
    /// # Panics
    /// If it cannot be mounted.
    pub fn plug_in_again(&mut self) {
        self.unmount();
        fs::rename(self.folder.path("kept"), self.folder.path("disk")).expect("it was pulled");
        self.plug_in();
    }

    fn plug_in(&mut self) {
        let device = run(Command::new(system("losetup")).args(["--find", "--show"]).arg(self.folder.path("disk")));
        device.trim().clone_into(&mut self.device);
        mount(&[&self.device], &self.folder.path("usb"));
    }

    fn unmount(&self) {
        unmount(&self.folder.path("usb"));
        let _ = Command::new(system("losetup")).args(["--detach", &self.device]).output();
    }
}

impl Drop for UsbDisk {
    fn drop(&mut self) {
        self.unmount();
    }
}

/// A program that Debian keeps where not everybody looks for it.
fn system(name: &str) -> PathBuf {
    Some(Path::new("/usr/sbin").join(name)).filter(|path| path.is_file()).unwrap_or_else(|| tool(name))
}

fn mount(what: &[&str], folder: &Path) {
    let output = Command::new(tool("mount")).args(what).arg(folder).output().expect("mount runs");
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no disk of the test's own can be mounted, which takes root and loop devices: {why}");
}

/// At once for whoever looks, and for who still has a file open when that is closed.
fn unmount(folder: &Path) {
    let _ = Command::new(tool("umount")).arg("--lazy").arg(folder).output();
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
