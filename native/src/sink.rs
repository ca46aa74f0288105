//! The open end of a job: a file that waits for its name, a stream that cannot be taken back, or a command.

use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::AsFd;
use std::sync::Arc;

use crate::child::{Consumer, PIPE_LEN};
use crate::destination::{Destination, Privacy, Streams, open_stream};
use crate::error::JobError;
use crate::output::PendingFile;
use crate::report::Observer;
use crate::together::write_both;
use crate::unfinished::{Stage, stream_is_complete, writing};

/// Where a job writes. Dropped before [`Sink::commit`], a file is gone and a command is killed.
pub(crate) enum Sink {
    Pending(PendingFile),
    Stream(Stream),
    Command(Consumer),
}

/// An output that cannot be taken back.
pub(crate) struct Stream {
    file: File,
    what: String,
    stage: Stage,
}

impl Sink {
    pub(crate) fn create(
        destination: &Destination,
        privacy: Privacy,
        stage: Stage,
        observer: &Arc<dyn Observer>,
    ) -> Result<Self, JobError> {
        Ok(match destination {
            Destination::File { path, overwrite, streams } => {
                let stream = if *streams == Streams::Written { open_stream(path)? } else { None };
                match stream {
                    Some(file) => Self::Stream(Stream::new(file, path.display().to_string(), stage)),
                    None => Self::Pending(PendingFile::create(path, privacy, *overwrite)?),
                }
            }
            Destination::Stdout => {
                let what = "standard output";
                let stdout = io::stdout().as_fd().try_clone_to_owned().map_err(|error| JobError::write(what, error))?;
                Self::Stream(Stream::new(stdout.into(), what.into(), stage))
            }
            Destination::Into(command) => Self::Command(Consumer::start(command, stage, observer)?),
        })
    }

    /// The file that every worker may write at its own offset.
    pub(crate) fn pending_file(&self) -> Option<&PendingFile> {
        match self {
            Self::Pending(file) => Some(file),
            _ => None,
        }
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> Result<(), JobError> {
        self.write_both(bytes, &[])
    }

    /// Writes one after the other; where the output cannot be taken back, together.
    pub(crate) fn write_both(&mut self, first: &[u8], second: &[u8]) -> Result<(), JobError> {
        match self {
            Self::Pending(file) => file.write_all(first).and_then(|()| file.write_all(second)),
            Self::Stream(stream) => stream.write_both(first, second),
            Self::Command(consumer) => consumer.write_both(first, second),
        }
    }

    /// Makes the output final: a file on disk under its name, a command that took everything and succeeded.
    pub(crate) fn commit(self) -> Result<(), JobError> {
        self.end(&[])
    }

    /// The same, after the last bytes.
    pub(crate) fn end(self, last: &[u8]) -> Result<(), JobError> {
        match self {
            Self::Pending(mut file) => file.write_all(last).and_then(|()| file.commit()),
            Self::Stream(stream) => stream.end(last),
            Self::Command(mut consumer) => consumer.write_both(last, &[]).and_then(|()| consumer.finish()),
        }
    }
}

impl Stream {
    fn new(file: File, what: String, stage: Stage) -> Self {
        let _ = rustix::pipe::fcntl_setpipe_size(&file, PIPE_LEN);
        Self { file, what, stage }
    }

    fn write_both(&mut self, first: &[u8], second: &[u8]) -> Result<(), JobError> {
        let _writing = writing();
        write_both(&mut self.file, first, second).map_err(|(written_len, error)| self.failed(written_len, error))
    }

    /// Takes back what a write that failed has written. What ended before it shows that it is not complete, what ends in the
    /// middle of it may not. Of what was in the file before (`>>`) nothing is taken.
    fn failed(&mut self, written_len: usize, error: io::Error) -> JobError {
        if let (Ok(end), Ok(metadata)) = (self.file.stream_position(), self.file.metadata())
            && metadata.is_file()
            && metadata.len() == end
        {
            let _ = self.file.set_len(end.saturating_sub(written_len as u64));
        }
        JobError::write(&self.what, error)
    }

    /// Whoever ends the job while the last bytes are written waits for them, and then lets it come to its end, unless a seal follows.
    fn end(mut self, last: &[u8]) -> Result<(), JobError> {
        // Where the stream is a regular file after all, as with `> FILE`: this can take long, and a full disk may show only here.
        self.sync(0)?;
        let _writing = writing();
        write_both(&mut self.file, last, &[]).map_err(|(written_len, error)| self.failed(written_len, error))?;
        stream_is_complete(self.stage);
        if last.is_empty() { Ok(()) } else { self.sync(last.len()) }
    }

    /// Takes so many bytes back if that fails.
    fn sync(&mut self, last_len: usize) -> Result<(), JobError> {
        match self.file.metadata() {
            Ok(metadata) if metadata.is_file() => self.file.sync_all().map_err(|error| self.failed(last_len, error)),
            _ => Ok(()),
        }
    }
}
