//! Labels of apps (and knowledge bases).

use chrono::Utc;
use ox_db::{
    model::{Tag, TagBinding},
    repo,
};
use ox_types::boxed;
use uuid::Uuid;

use crate::{Error, Principal, Result, Services, principal::Permission};

/// A label with the number of things that carry it.
#[derive(Clone, Debug)]
pub struct TagView {
    pub tag: Tag,
    pub bindings: u64,
}

fn check_kind(kind: &str) -> Result<()> {
    if ["app", "knowledge"].contains(&kind) {
        Ok(())
    } else {
        Err(Error::invalid_field("type", "type must be 'app' or 'knowledge'"))
    }
}

fn check_name(name: &str) -> Result<&str> {
    let name = name.trim();
    if (1..=50).contains(&name.chars().count()) {
        Ok(name)
    } else {
        Err(Error::invalid_field("name", "Name must be between 1 to 50 characters."))
    }
}

/// The labels of a workspace.
#[boxed]
pub async fn list_tags(
    services: &Services,
    principal: &Principal,
    kind: &str,
    keyword: Option<&str>,
) -> Result<Vec<TagView>> {
    check_kind(kind)?;
    let rows = repo::tags::list(&services.db, principal.tenant_id(), kind, keyword).await?;
    Ok(rows.into_iter().map(|(tag, bindings)| TagView { tag, bindings }).collect())
}

/// A new label.
#[boxed]
pub async fn create_tag(services: &Services, principal: &Principal, kind: &str, name: &str) -> Result<Tag> {
    principal.require(Permission::TagEdit)?;
    check_kind(kind)?;
    let name = check_name(name)?;
    free_name(services, principal, kind, name).await?;
    let tag = Tag {
        id: ox_types::new_uuid(),
        tenant_id: principal.tenant_id(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        created_by: principal.account_id()?,
        created_at: Utc::now(),
    };
    let tx = services.db.begin().await?;
    repo::tags::insert(&tx, &tag).await?;
    tx.commit().await?;
    Ok(tag)
}

async fn free_name(services: &Services, principal: &Principal, kind: &str, name: &str) -> Result<()> {
    let taken = list_tags(services, principal, kind, None).await?.iter().any(|view| view.tag.name == name);
    if taken { Err(Error::invalid("Tag name already exists")) } else { Ok(()) }
}

async fn find(services: &Services, principal: &Principal, id: Uuid) -> Result<Tag> {
    repo::tags::find(&services.db, principal.tenant_id(), id).await?.ok_or_else(|| Error::not_found("Tag not found"))
}

/// Gives a label another name.
#[boxed]
pub async fn rename_tag(services: &Services, principal: &Principal, id: Uuid, name: &str) -> Result<TagView> {
    principal.require(Permission::TagEdit)?;
    let mut tag = find(services, principal, id).await?;
    let name = check_name(name)?;
    if tag.name != name {
        free_name(services, principal, &tag.kind, name).await?;
        name.clone_into(&mut tag.name);
        let tx = services.db.begin().await?;
        repo::tags::rename(&tx, principal.tenant_id(), id, name).await?;
        tx.commit().await?;
    }
    let all = list_tags(services, principal, &tag.kind, None).await?;
    let bindings = all.into_iter().find(|view| view.tag.id == id).map_or(0, |view| view.bindings);
    Ok(TagView { tag, bindings })
}

/// Deletes a label and takes it off everything.
#[boxed]
pub async fn delete_tag(services: &Services, principal: &Principal, id: Uuid) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    find(services, principal, id).await?;
    let tx = services.db.begin().await?;
    repo::tags::delete(&tx, principal.tenant_id(), id).await?;
    Ok(tx.commit().await?)
}

/// Puts labels on a thing; those it has already are left alone.
#[boxed]
pub async fn bind_tags(services: &Services, principal: &Principal, tags: &[Uuid], target: Uuid) -> Result<()> {
    principal.require(Permission::TagEdit)?;
    let mut is_app = tags.is_empty();
    for id in tags {
        let tag = find(services, principal, *id).await?;
        if tag.kind == "knowledge" {
            crate::knowledge::datasets::find(services, principal, ox_types::DatasetId(target)).await?;
        } else {
            is_app = true;
        }
    }
    if is_app {
        super::find(services, principal, ox_types::AppId(target)).await?;
    }
    let tx = services.db.begin().await?;
    for id in tags {
        let binding = TagBinding {
            id: ox_types::new_uuid(),
            tenant_id: principal.tenant_id(),
            tag_id: *id,
            target_id: target,
            created_by: principal.account_id()?,
            created_at: Utc::now(),
        };
        repo::tags::bind(&tx, &binding).await?;
    }
    Ok(tx.commit().await?)
}

/// Takes a label off a thing.
#[boxed]
pub async fn unbind_tag(services: &Services, principal: &Principal, tag: Uuid, target: Uuid) -> Result<()> {
    principal.require(Permission::TagEdit)?;
    find(services, principal, tag).await?;
    let tx = services.db.begin().await?;
    repo::tags::unbind(&tx, principal.tenant_id(), tag, target).await?;
    Ok(tx.commit().await?)
}
