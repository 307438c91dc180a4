//! Files made in tests.

use std::io::{Cursor, Write};

/// An archive with these parts.
pub fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A compound file with these streams under its root; small enough for one table sector.
pub fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    const SECTOR: usize = 512;
    let directory_sectors = (streams.len() + 1).div_ceil(4);
    let mut fat: Vec<u32> = vec![0xffff_fffd];
    let chain = |fat: &mut Vec<u32>, count: usize| {
        let start = fat.len();
        for index in 0..count {
            fat.push(if index + 1 == count { 0xffff_fffe } else { (start + index + 1) as u32 });
        }
        start as u32
    };
    chain(&mut fat, directory_sectors);
    let starts: Vec<u32> =
        streams.iter().map(|(_, bytes)| chain(&mut fat, bytes.len().div_ceil(SECTOR).max(1))).collect();
    assert!(fat.len() <= SECTOR / 4);
    fat.resize(SECTOR / 4, 0xffff_ffff);

    let mut header = vec![0_u8; SECTOR];
    header[..8].copy_from_slice(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
    header[0x1a..0x1c].copy_from_slice(&3_u16.to_le_bytes());
    header[0x1e..0x20].copy_from_slice(&9_u16.to_le_bytes());
    header[0x20..0x22].copy_from_slice(&6_u16.to_le_bytes());
    header[0x30..0x34].copy_from_slice(&1_u32.to_le_bytes());
    // No stream is small: all stand in sectors of their own.
    header[0x38..0x3c].copy_from_slice(&0_u32.to_le_bytes());
    header[0x3c..0x40].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
    header[0x44..0x48].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
    header[0x4c..].fill(0xff);
    header[0x4c..0x50].copy_from_slice(&0_u32.to_le_bytes());

    let entry = |name: &str, kind: u8, right: u32, child: u32, start: u32, size: usize| {
        let mut bytes = vec![0_u8; 128];
        for (at, unit) in name.encode_utf16().enumerate() {
            bytes[at * 2..at * 2 + 2].copy_from_slice(&unit.to_le_bytes());
        }
        bytes[64..66].copy_from_slice(&((name.encode_utf16().count() as u16 + 1) * 2).to_le_bytes());
        bytes[66] = kind;
        bytes[68..72].fill(0xff);
        bytes[72..76].copy_from_slice(&right.to_le_bytes());
        bytes[76..80].copy_from_slice(&child.to_le_bytes());
        bytes[116..120].copy_from_slice(&start.to_le_bytes());
        bytes[120..124].copy_from_slice(&(size as u32).to_le_bytes());
        bytes
    };
    let child = if streams.is_empty() { 0xffff_ffff } else { 1 };
    let mut directory = entry("Root Entry", 5, 0xffff_ffff, child, 0xffff_fffe, 0);
    for (index, ((name, bytes), start)) in streams.iter().zip(&starts).enumerate() {
        let right = if index + 1 == streams.len() { 0xffff_ffff } else { index as u32 + 2 };
        directory.extend(entry(name, 2, right, 0xffff_ffff, *start, bytes.len()));
    }
    directory.resize(directory_sectors * SECTOR, 0);

    let mut out = header;
    out.extend(fat.iter().flat_map(|word| word.to_le_bytes()));
    out.extend(directory);
    for (_, bytes) in streams {
        out.extend_from_slice(bytes);
        let padded = bytes.len().div_ceil(SECTOR).max(1) * SECTOR;
        out.resize(out.len() + padded - bytes.len(), 0);
    }
    out
}

/// A PDF with one page per content; letters are Helvetica `/F1`, pages are of 612 by 792 points.
pub fn pdf(contents: &[String]) -> Vec<u8> {
    let kids: String = (0..contents.len()).map(|page| format!("{} 0 R ", 4 + 2 * page)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {} /MediaBox [0 0 612 792] >>", contents.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (page, content) in contents.iter().enumerate() {
        let (own, stream) = (4 + 2 * page, 5 + 2 * page);
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /Contents {stream} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        ));
        assert_eq!(objects.len(), own);
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").bytes());
    }
    out.extend(format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1).bytes());
    out
}
