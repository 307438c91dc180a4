//! The second port of the compatible proxy: everything on it goes to the code sandbox.

use std::net::IpAddr;

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{Inner, answer, answer::Answer, pipe};
use crate::{Class, guard::Asker};

pub async fn serve(proxy: &Inner, mut client: TcpStream, from: IpAddr, host: &str, port: u16) {
    let Ok(_slot) = proxy.slots.try_acquire() else {
        answer::send(&mut client, &Answer::overloaded().bytes()).await;
        return;
    };
    if !proxy.is_client(Some(from)) {
        answer::send(&mut client, &Answer::stranger().bytes()).await;
        return;
    }
    // The operator's own setting says where to.
    let asker = Asker { client: Some(from), method: "CONNECT", ..proxy.egress.asker(Class::Operator) };
    let opened = async {
        let pinned = proxy.egress.judge(asker, &format!("http://{host}:{port}/")).await?;
        proxy.egress.dial(&pinned, proxy.config.connect).await
    };
    match opened.await {
        Ok(mut origin) => {
            pipe::both_ways(&mut client, &mut origin.stream, proxy.config.idle).await;
        }
        Err(error) => {
            tracing::warn!(%error, "the code sandbox behind the proxy is not reachable");
            answer::send(&mut client, &Answer::failure(&error).bytes()).await;
        }
    }
    // A connection that is gone needs no end.
    let _ = client.shutdown().await;
}
