//! What a window manager does when somebody clicks the X of a window: it asks the window to close (ICCCM, section 4.2.8.1). On a display
//! without one, and with Debian's xdotool, nobody does; so this does, in the X protocol's own words (X Window System Protocol, version 11).

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// The codes of requests and of the event, from the protocol's encoding.
const INTERN_ATOM: u8 = 16;
const SEND_EVENT: u8 = 25;
const GET_INPUT_FOCUS: u8 = 43;
const CLIENT_MESSAGE: u8 = 33;
/// Bytes of each reply without more behind it, and of each event.
const REPLY_LEN: usize = 32;

/// Asks a window of the display of this number to close.
///
/// # Errors
/// Where the display does not answer as it should.
pub(super) fn ask_to_close(display: &str, window: u32) -> io::Result<()> {
    let mut server = Server::connect(display)?;
    let (protocols, delete) = (server.atom("WM_PROTOCOLS")?, server.atom("WM_DELETE_WINDOW")?);
    let mut request = vec![SEND_EVENT, 0, 11, 0];
    request.extend([window, 0].map(u32::to_le_bytes).concat());
    request.extend([CLIENT_MESSAGE, 32, 0, 0]);
    request.extend([window, protocols, delete, 0, 0, 0, 0].map(u32::to_le_bytes).concat());
    server.0.write_all(&request)?;
    // Answered once all before it was done.
    server.0.write_all(&[GET_INPUT_FOCUS, 0, 1, 0])?;
    server.reply().map(drop)
}

struct Server(UnixStream);

impl Server {
    fn connect(display: &str) -> io::Result<Self> {
        let mut stream = UnixStream::connect(format!("/tmp/.X11-unix/X{display}"))?;
        // In little endian, version 11.0, without a name and a word.
        stream.write_all(&[b'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
        let mut head = [0; 8];
        stream.read_exact(&mut head)?;
        let mut rest = vec![0; usize::from(u16::from_le_bytes([head[6], head[7]])) * 4];
        stream.read_exact(&mut rest)?;
        if head[0] == 1 { Ok(Self(stream)) } else { Err(io::Error::other("the display refuses")) }
    }

    /// The number of a name.
    fn atom(&mut self, name: &str) -> io::Result<u32> {
        let padded_len = name.len().next_multiple_of(4);
        let words = u16::try_from(2 + padded_len / 4).map_err(io::Error::other)?.to_le_bytes();
        let len = u16::try_from(name.len()).map_err(io::Error::other)?.to_le_bytes();
        let mut request = vec![INTERN_ATOM, 0, words[0], words[1], len[0], len[1], 0, 0];
        request.extend_from_slice(name.as_bytes());
        request.resize(8 + padded_len, 0);
        self.0.write_all(&request)?;
        let reply = self.reply()?;
        Ok(u32::from_le_bytes(reply[8..12].try_into().expect("four bytes")))
    }

    fn reply(&mut self) -> io::Result<[u8; REPLY_LEN]> {
        let mut reply = [0; REPLY_LEN];
        self.0.read_exact(&mut reply)?;
        if reply[0] == 1 { Ok(reply) } else { Err(io::Error::other(format!("the display says {}", reply[0]))) }
    }
}
