//! Documents to read.

use std::collections::BTreeMap;
use std::sync::Arc;

use pdf_extract::encryption::crypt_filters::{Aes256CryptFilter, CryptFilter};
use pdf_extract::{
    Document, EncryptionState, EncryptionVersion, Object, Permissions, StringFormat, dictionary,
};

/// A PDF of one page with these lines.
pub fn pdf(lines: &[&str]) -> Vec<u8> {
    let shown: String = lines
        .iter()
        .map(|line| format!("({line}) Tj 0 -13 Td "))
        .collect();
    let stream = format!("BT /F1 12 Tf 72 700 Td {shown}ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (place, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", place + 1));
    }
    let table = file.len();
    file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        file.push_str(&format!("{place:010} 00000 n \n"));
    }
    file.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    ));
    file.into_bytes()
}

/// How a document is locked.
#[derive(Clone, Copy, Debug)]
pub enum Lock {
    /// As programs did for twenty years: RC4 with 128 bits.
    Old,
    /// As they do today: AES with 256 bits.
    New,
    /// For the holders of a certificate.
    Certificate,
}

/// That page, which opens with the password alone; with an empty one for everybody, who may not change it.
pub fn locked(lines: &[&str], lock: Lock, password: &str) -> Vec<u8> {
    let mut document = Document::load_mem(&pdf(lines)).unwrap();
    let id = Object::String(vec![7; 16], StringFormat::Hexadecimal);
    document.trailer.set("ID", Object::Array(vec![id.clone(), id]));
    let filter: Arc<dyn CryptFilter> = Arc::new(Aes256CryptFilter);
    let (owner_password, permissions) = ("the owner's", Permissions::PRINTABLE);
    let version = match lock {
        Lock::Old => EncryptionVersion::V2 {
            document: &document,
            owner_password,
            user_password: password,
            key_length: 128,
            permissions,
        },
        Lock::New => EncryptionVersion::V5 {
            encrypt_metadata: true,
            crypt_filters: BTreeMap::from([(b"StdCF".to_vec(), filter)]),
            file_encryption_key: &[9; 32],
            stream_filter: b"StdCF".to_vec(),
            string_filter: b"StdCF".to_vec(),
            owner_password,
            user_password: password,
            permissions,
        },
        Lock::Certificate => {
            let handler = dictionary! { "Filter" => "Adobe.PubSec", "SubFilter" => "adbe.pkcs7.s4", "V" => 2, "Length" => 128 };
            let handler = document.add_object(handler);
            document.trailer.set("Encrypt", handler);
            return written(document);
        }
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    written(document)
}

fn written(mut document: Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}
