//! An identity that a key management service has wrapped, by the recipe that people copy: the stock `aws` command, and a server that speaks
//! the service's language.
#![cfg(unix)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use dbseal_tests::cli::{Folder, Run, dbseal, wait_until};
use dbseal_tests::readme::block;
use dbseal_tests::tools::{tool, tools_dir};

/// Plays the service, for as long as a test runs.
struct Service {
    server: Child,
    address: String,
}

impl Service {
    fn start() -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port").port();
        let program = tools_dir().join("moto/bin/moto_server");
        let mut server = Command::new(program);
        server.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().expect("`./x test` installs the server");
        wait_until("the server answers", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { server, address: format!("http://127.0.0.1:{port}") }
    }

    /// A shell in which `aws` means this service.
    fn shell(&self, folder: &Folder, text: &str) -> Run {
        let aws = folder.path("bin/aws");
        if !aws.exists() {
            fs::create_dir(folder.path("bin")).expect("a folder");
            let text = format!("#!/bin/sh\nexec {} --endpoint-url {} \"$@\"\n", tool("aws").display(), self.address);
            fs::write(&aws, text).and_then(|()| fs::set_permissions(&aws, fs::Permissions::from_mode(0o755))).expect("a script");
        }
        let own = dbseal().parent().expect("a file is in a folder").display();
        let path = format!("{}:{own}:{}", folder.path("bin").display(), std::env::var("PATH").unwrap_or_default());
        let run = folder.shell(&format!("set -e\n{text}")).env("PATH", path).env("AWS_DEFAULT_REGION", "eu-central-1");
        run.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_key_that_a_service_has_wrapped_opens() {
    let (folder, service) = (Folder::new(), Service::start());
    let make = "key=$(aws kms create-key --query KeyMetadata.KeyId --output text)\n\
                aws kms create-alias --alias-name alias/dbseal --target-key-id \"$key\"";
    service.shell(&folder, make).run().succeeds();
    service.shell(&folder, &block("sh kms wrap")).run().succeeds();
    assert!(!folder.has("identity") && !folder.read("backup.key.kms").starts_with(b"AGE-"));
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age"]).stdin("a dump").run().succeeds();
    let open = block("sh kms open");
    service.shell(&folder, &open).run().succeeds();
    assert_eq!(folder.read_text("shop.sql"), "a dump");
    // What the service refuses opens nothing, and it is the service that says why.
    fs::remove_file(folder.path("shop.sql")).expect("it is there");
    let said = service.shell(&folder, &open.replace("purpose=dbseal", "purpose=other")).run().ends_with(2, "the output of sh: ").words();
    assert!(said.contains("InvalidCiphertextException"), "{said}");
    let wrapped = folder.read("backup.key.kms");
    folder.write("backup.key.kms", &wrapped[..wrapped.len() - 1]);
    service.shell(&folder, &open).run().ends_with(2, "the output of sh: ");
    assert!(!folder.has("shop.sql"));
}
