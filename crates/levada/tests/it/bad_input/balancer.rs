//! A load balancer as simple as they come: each connection goes to the next of two servers.
//!
//! It knows nothing of PostgreSQL and lives as long as the test's process.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

pub(crate) struct Balancer {
    port: u16,
}

impl Balancer {
    pub(crate) fn between(ports: [u16; 2]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            for (client, server) in listener.incoming().flatten().zip(ports.iter().cycle()) {
                let server = TcpStream::connect(("127.0.0.1", *server)).expect("a server");
                join(&client, &server);
                join(&server, &client);
            }
        });
        Self { port }
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

/// Carries bytes one way until either side is done.
fn join(input: &TcpStream, output: &TcpStream) {
    let mut input = input.try_clone().expect("a handle");
    let mut output = output.try_clone().expect("a handle");
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = input.read(&mut buffer) {
            if output.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = output.shutdown(Shutdown::Write);
    });
}
