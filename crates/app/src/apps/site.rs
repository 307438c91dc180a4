//! The published page of an app and its switches.

use chrono::Utc;
use ox_db::{
    model::{App, Site},
    repo,
};
use ox_types::{AppId, FileId, boxed};

use super::{AppView, find, save, view};
use crate::{Error, Principal, Result, Services, principal::Permission};

/// Fields of a site that may change; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct SiteChange {
    pub title: Option<String>,
    pub icon_type: Option<String>,
    pub icon: Option<String>,
    pub icon_background: Option<String>,
    pub description: Option<String>,
    pub default_language: Option<String>,
    pub chat_color_theme: Option<String>,
    pub chat_color_theme_inverted: Option<bool>,
    pub customize_domain: Option<String>,
    pub copyright: Option<String>,
    pub privacy_policy: Option<String>,
    pub custom_disclaimer: Option<String>,
    pub customize_token_strategy: Option<String>,
    pub prompt_public: Option<bool>,
    pub show_workflow_steps: Option<bool>,
    pub use_icon_as_answer_icon: Option<bool>,
}

impl SiteChange {
    /// What visitors are shown and sent to must be what it says it is. What does not change is not looked at: it may have
    /// come with an older installation.
    fn check(&self, site: &Site) -> Result<()> {
        for (field, new, old, most) in [
            ("title", &self.title, Some(site.title.as_str()), 255),
            ("icon_type", &self.icon_type, site.icon_type.as_deref(), 16),
            ("icon", &self.icon, site.icon.as_deref(), 255),
            ("icon_background", &self.icon_background, site.icon_background.as_deref(), 255),
            ("description", &self.description, site.description.as_deref(), 4_000),
            ("chat_color_theme", &self.chat_color_theme, site.chat_color_theme.as_deref(), 255),
            ("customize_domain", &self.customize_domain, site.customize_domain.as_deref(), 255),
            ("copyright", &self.copyright, site.copyright.as_deref(), 255),
            ("privacy_policy", &self.privacy_policy, site.privacy_policy.as_deref(), 2_048),
            ("custom_disclaimer", &self.custom_disclaimer, Some(site.custom_disclaimer.as_str()), 512),
        ] {
            let Some(new) = new.as_deref().filter(|new| Some(*new) != old) else { continue };
            if new.contains('\0') || new.chars().count() > most {
                let shown = field.replace('_', " ");
                return Err(Error::invalid_field(field, format!("The {shown} cannot exceed {most} characters.")));
            }
            let is_good = match field {
                "icon_type" => ["emoji", "image", "link"].contains(&new),
                "chat_color_theme" => new.is_empty() || is_colour(new),
                "privacy_policy" => new.is_empty() || is_web_address(new),
                _ => true,
            };
            if !is_good {
                return Err(Error::invalid_field(field, wrong(field)));
            }
        }
        Ok(())
    }
}

fn wrong(field: &str) -> &'static str {
    match field {
        "icon_type" => "The icon type must be emoji, image or link.",
        "chat_color_theme" => "The colour must be written as #RRGGBB.",
        _ => "The privacy policy must be an address that starts with http:// or https://.",
    }
}

/// Three or six hexadecimal digits.
fn is_colour(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or(text);
    [3, 6].contains(&digits.len()) && digits.chars().all(|digit| digit.is_ascii_hexdigit())
}

/// Visitors follow it by a click: nothing that runs in the page.
fn is_web_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}

/// The site a new app starts with.
pub(crate) fn new_site(app: &App, language: &str) -> Site {
    Site {
        id: ox_types::new_uuid(),
        app_id: app.id,
        title: app.name.clone(),
        icon_type: app.icon_type.clone(),
        icon: app.icon.clone(),
        icon_background: app.icon_background.clone(),
        description: None,
        default_language: language.to_owned(),
        chat_color_theme: None,
        chat_color_theme_inverted: false,
        copyright: None,
        privacy_policy: None,
        custom_disclaimer: String::new(),
        show_workflow_steps: true,
        use_icon_as_answer_icon: app.use_icon_as_answer_icon,
        customize_domain: None,
        customize_token_strategy: "not_allow".into(),
        prompt_public: false,
        status: "normal".into(),
        code: Some(ox_auth::random_code(16)),
        created_by: app.created_by,
        created_at: app.created_at,
        updated_by: app.created_by,
        updated_at: app.created_at,
    }
}

async fn site_of(services: &Services, id: AppId) -> Result<Site> {
    repo::apps::sites(&services.db, &[id]).await?.remove(&id).ok_or_else(|| Error::not_found("Site not found."))
}

/// Changes the published page.
#[boxed]
pub async fn update_site(services: &Services, principal: &Principal, id: AppId, change: SiteChange) -> Result<Site> {
    principal.require(Permission::AppEdit)?;
    find(services, principal, id).await?;
    if let Some(strategy) = &change.customize_token_strategy
        && !["must", "allow", "not_allow"].contains(&strategy.as_str())
    {
        return Err(Error::invalid_field("customize_token_strategy", "must be one of must, allow, not_allow"));
    }
    let mut site = site_of(services, id).await?;
    change.check(&site)?;
    // What is not ours may have come with an older installation: it stays until another is chosen.
    if let Some(language) = change.default_language.as_deref().filter(|language| *language != site.default_language)
        && !crate::accounts::LANGUAGES.contains(&language)
    {
        return Err(Error::invalid_field("default_language", format!("{language} is not a valid language.")));
    }
    let SiteChange { title, default_language, custom_disclaimer, customize_token_strategy, .. } = change.clone();
    site.title = title.unwrap_or(site.title);
    site.default_language = default_language.unwrap_or(site.default_language);
    site.custom_disclaimer = custom_disclaimer.unwrap_or(site.custom_disclaimer);
    site.customize_token_strategy = customize_token_strategy.unwrap_or(site.customize_token_strategy);
    let before = (site.icon_type.clone(), site.icon.clone());
    site.icon_type = change.icon_type.or(site.icon_type);
    site.icon = change.icon.or(site.icon);
    site.icon_background = change.icon_background.or(site.icon_background);
    site.description = change.description.or(site.description);
    site.chat_color_theme = change.chat_color_theme.or(site.chat_color_theme);
    site.chat_color_theme_inverted = change.chat_color_theme_inverted.unwrap_or(site.chat_color_theme_inverted);
    site.customize_domain = change.customize_domain.or(site.customize_domain);
    site.copyright = change.copyright.or(site.copyright);
    site.privacy_policy = change.privacy_policy.or(site.privacy_policy);
    // An imported icon stays as it is.
    if (&site.icon_type, &site.icon) != (&before.0, &before.1) {
        check_picture(services, principal, &site).await?;
    }
    site.prompt_public = change.prompt_public.unwrap_or(site.prompt_public);
    site.show_workflow_steps = change.show_workflow_steps.unwrap_or(site.show_workflow_steps);
    site.use_icon_as_answer_icon = change.use_icon_as_answer_icon.unwrap_or(site.use_icon_as_answer_icon);
    store(services, principal, id, site).await
}

/// A picture must be one of the workspace: its address is signed for every visitor.
async fn check_picture(services: &Services, principal: &Principal, site: &Site) -> Result<()> {
    if site.icon_type.as_deref() != Some("image") {
        return Ok(());
    }
    let wrong = || Error::invalid_field("icon", "The icon must be an uploaded picture.");
    let id = site.icon.as_deref().and_then(|id| id.parse().ok()).ok_or_else(wrong)?;
    let file = services.files.find(principal.tenant_id(), FileId(id)).await?.ok_or_else(wrong)?;
    if file.mime_type.as_deref().is_some_and(|mime| mime.starts_with("image/")) { Ok(()) } else { Err(wrong()) }
}

/// A new public address; the old one stops working at once.
#[boxed]
pub async fn reset_code(services: &Services, principal: &Principal, id: AppId) -> Result<Site> {
    principal.require(Permission::ApiKeyDelete)?;
    find(services, principal, id).await?;
    let mut site = site_of(services, id).await?;
    site.code = Some(ox_auth::random_code(16));
    store(services, principal, id, site).await
}

async fn store(services: &Services, principal: &Principal, id: AppId, mut site: Site) -> Result<Site> {
    site.updated_by = Some(principal.account_id()?);
    site.updated_at = Utc::now();
    let tx = services.db.begin().await?;
    repo::apps::update_site(&tx, &site).await?;
    tx.commit().await?;
    services.forget_app(id).await;
    Ok(site)
}

/// Switches the published page on or off.
#[boxed]
pub async fn set_site(services: &Services, principal: &Principal, id: AppId, on: bool) -> Result<AppView> {
    principal.require(Permission::AppEdit)?;
    let before = find(services, principal, id).await?;
    let mut app = App { enable_site: on, ..before.clone() };
    save(services, principal, &before, &mut app).await?;
    view(services, principal, id).await
}

/// Switches the Service API of the app on or off.
#[boxed]
pub async fn set_api(services: &Services, principal: &Principal, id: AppId, on: bool) -> Result<AppView> {
    principal.require(Permission::ApiKeyDelete)?;
    let before = find(services, principal, id).await?;
    let mut app = App { enable_api: on, ..before.clone() };
    save(services, principal, &before, &mut app).await?;
    view(services, principal, id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_may_show_and_link_to() {
        for (text, expected) in
            [("#B5451D", true), ("1c64f2", true), ("#abc", true), ("#abcd", false), ("red", false), ("#ggg", false)]
        {
            assert_eq!(is_colour(text), expected, "{text}");
        }
        for (text, expected) in [
            ("https://a.example/privacy?x=1", true),
            ("http://a.example", true),
            ("HTTPS://A.EXAMPLE", true),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("vbscript:x", false),
            ("mailto:a@b.c", false),
            ("//a.example", false),
            ("a.example/privacy", false),
            ("https://", false),
        ] {
            assert_eq!(is_web_address(text), expected, "{text}");
        }
    }
}
