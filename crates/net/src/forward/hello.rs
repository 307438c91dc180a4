//! The first bytes of a tunnel: a TLS greeting, and to whom.

use bytes::BytesMut;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt};

/// A greeting larger than this is none.
const MAX_HELLO: usize = 64 * 1024;

/// Reads a TLS greeting and leaves its bytes in the buffer; the name it asks for, or why it is none.
pub async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<Option<String>, &'static str> {
    let mut acceptor = Acceptor::default();
    let mut fed = 0;
    loop {
        while let Some(mut fresh) = buffer.get(fed..).filter(|fresh| !fresh.is_empty()) {
            let read = acceptor.read_tls(&mut fresh).map_err(|_| "the first bytes are not a TLS greeting")?;
            if read == 0 {
                break;
            }
            fed += read;
            match acceptor.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => return Ok(accepted.client_hello().server_name().map(crate::name::normal)),
                Err(_) => return Err("the first bytes are not a TLS greeting"),
            }
        }
        if buffer.len() >= MAX_HELLO {
            return Err("the TLS greeting is too long");
        }
        buffer.reserve(4096);
        if stream.read_buf(buffer).await.map_err(|_| "the tunnel broke")? == 0 {
            return Err("the tunnel ended before a TLS greeting");
        }
    }
}
