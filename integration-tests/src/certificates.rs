//! A self-made authority with what it issues: servers and clients of tests trust nothing else.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
};

/// The DNS name that [`Certificates`] holds beside `127.0.0.1`.
pub const SERVER_NAME: &str = "localhost";

/// An authority, a server's certificate (for [`SERVER_NAME`] and `127.0.0.1`) and a client's. What a server reads lies
/// in files that go when this is dropped.
pub struct Certificates {
    directory: tempfile::TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
    /// The authority's certificate as PEM.
    pub ca: String,
    /// A client's certificate (for the name `watchkeeper`) and its key, as PEM.
    pub client: (String, String),
}

impl Certificates {
    /// Issues everything anew: nobody else trusts it.
    ///
    /// # Panics
    /// When the files cannot be written.
    #[must_use]
    pub fn issue() -> Self {
        let mut authority = named(&[], "a test's authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let all = Self {
            ca: authority.pem(),
            client: signed(&authority, &["watchkeeper"], "watchkeeper"),
            directory: tempfile::tempdir().unwrap(),
            authority,
        };
        std::fs::write(all.ca_file(), &all.ca).unwrap();
        all.reissue(&[SERVER_NAME, "127.0.0.1"]);
        all
    }

    /// Puts another certificate of a server, for `names`, in the place of the one in the files.
    ///
    /// # Panics
    /// When the files cannot be written.
    pub fn reissue(&self, names: &[&str]) {
        let (certificate, key) = signed(&self.authority, names, "a test's certificate");
        std::fs::write(self.certificate_file(), certificate).unwrap();
        std::fs::write(self.key_file(), key).unwrap();
    }

    /// The authority's certificate as a file.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The server's certificate as a file.
    #[must_use]
    pub fn certificate_file(&self) -> PathBuf {
        self.directory.path().join("cert.pem")
    }

    /// The server's key as a file.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }
}

/// A certificate and its key.
fn signed(
    authority: &CertifiedIssuer<'static, KeyPair>,
    names: &[&str],
    common: &str,
) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = named(names, common).signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn named(names: &[&str], common: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut wanted = CertificateParams::new(names).unwrap();
    // Issuer and subject of one name would count as self-signed.
    wanted.distinguished_name = DistinguishedName::new();
    wanted.distinguished_name.push(DnType::CommonName, common);
    wanted
}
