//! `qrcode`: a text as a QR code, drawn as PNG.

use bytes::Bytes;
use ox_nodes::CallMessage;
use qrcodegen::{QrCode, QrCodeEcc};

use super::png;
use crate::{
    Parameter, Provider, Tool,
    call::Arguments,
    spec::{Run, Said},
};

/// Pixels of a module.
const SCALE: u32 = 8;

pub const PROVIDER: Provider = Provider {
    name: "qrcode",
    label: ("QR code", "二维码"),
    description: ("Draws QR codes.", "生成二维码。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#111827"/>"##,
        r##"<path d="M6 6h5v5H6zM13 6h5v5h-5zM6 13h5v5H6z" fill="none" stroke="#fff" stroke-width="1.600"/><path d="M13 13h2v2h-2zM16 16h2v2h-2z" fill="#fff"/></svg>"##
    ),
    labels: &["utilities"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "qrcode_generator",
        label: ("Generate QR code", "生成二维码"),
        description: ("A QR code of a text.", "生成文本的二维码图片。"),
        for_model: "Draws a QR code of a text or link.",
        parameters: &[
            Parameter::text("content", ("Content", "内容"), "Text or link of the QR code").needed(),
            Parameter::select(
                "error_correction",
                ("Error correction", "容错等级"),
                "M",
                &[("L", ("Low", "低")), ("M", ("Medium", "中")), ("Q", ("Quartile", "偏高")), ("H", ("High", "高"))],
            )
            .needed(),
            Parameter::number("border", ("Border", "边框"), "").or("2").within(0.0, 100.0).fixed().needed(),
        ],
        run: Run::Pure(generate),
    }],
};

fn generate(arguments: &Arguments) -> Said {
    let content = arguments.required("content")?;
    let level = match arguments.get("error_correction").as_deref() {
        Some("L") => QrCodeEcc::Low,
        Some("Q") => QrCodeEcc::Quartile,
        Some("H") => QrCodeEcc::High,
        _ => QrCodeEcc::Medium,
    };
    let border = i32::try_from(arguments.count("border", 2, 0, 100)?).unwrap_or(2);
    let code = QrCode::encode_text(&content, level)
        .map_err(|_| format!("{} bytes are too many for a QR code of this error correction.", content.len()))?;
    let side = u32::try_from(code.size() + 2 * border).unwrap_or_default();
    let module = |place: u32| i32::try_from(place).unwrap_or(i32::MAX) - border;
    // What lies outside of the code is light.
    let png = png::squares(side, SCALE, |x, y| code.get_module(module(x), module(y)))
        .map_err(|error| format!("The picture cannot be written: {error}"))?;
    let (bytes, mime) = (Bytes::from(png), "image/png".to_owned());
    Ok(vec![CallMessage::Blob { bytes, mime, filename: Some("qrcode.png".into()) }])
}
