//! HTTPS: a server whose certificate is trusted is heard, another is not.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{ALL_SKILLS, Import, SKILLS};

/// A server of encrypted answers, from files of a folder.
struct Tls {
    process: Child,
    port: u16,
}

impl Tls {
    /// `None` where no program can be such a server.
    fn start(import: &Import) -> Option<Self> {
        let folder = import.folder.path();
        let mut request = Command::new("openssl");
        request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]);
        request.args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]);
        request.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        request.args(["-keyout", "key.pem", "-out", "cert.pem"]).current_dir(folder);
        if !request.output().is_ok_and(|output| output.status.success()) {
            return None;
        }
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut server = Command::new("openssl");
        server.args(["s_server", "-HTTP", "-quiet", "-key", "key.pem", "-cert", "cert.pem"]);
        server.args(["-accept", &format!("127.0.0.1:{port}")]).current_dir(folder);
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = server.spawn().unwrap();
        let tls = Self { process, port };
        testkit::wait_for("the encrypting server", Duration::from_secs(20), || {
            Ok(TcpStream::connect(("127.0.0.1", port)).is_ok())
        })
        .unwrap();
        Some(tls)
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn only_a_trusted_server_is_heard() {
    let import = Import::new("tls");
    let body = r#"{"skills":[{"id":"a","level":1}]}"#;
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
    import.folder.write("skills.json", &answer);
    let Some(tls) = Tls::start(&import) else {
        eprintln!("skipped: there is no openssl");
        return;
    };
    import.configure(&SKILLS.replace("SERVER", &format!("https://127.0.0.1:{}", tls.port)));
    let unknown = "import skills: no connection to the server: invalid peer certificate";
    import.run().expect_code(2).expect_stderr(unknown);
    let certificate = import.folder.path().join("cert.pem");
    let ran = import.command(&[]).env("SSL_CERT_FILE", &certificate).output().unwrap();
    crate::support::Ran::from(ran).expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "a1");
    let plain = import.server.url("").replace("http", "https");
    import.configure(&SKILLS.replace("SERVER", &plain));
    import.run().expect_code(2).expect_stderr("import skills: no connection to the server: ");
    assert_eq!(import.says(ALL_SKILLS), "a1");
}
