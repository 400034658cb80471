use std::os::unix::fs::PermissionsExt;

use aws_sdk_kms::{
    Client,
    operation::{decrypt::DecryptError, generate_data_key::GenerateDataKeyError},
    primitives::Blob,
    types::DataKeySpec,
};
use local::aws::kms::KEY_ALIAS;

use crate::endpoint::Endpoint;

async fn data_key(kms: &Client, workspace: &str) -> (Blob, Blob) {
    let request = kms.generate_data_key().key_id(KEY_ALIAS).key_spec(DataKeySpec::Aes256);
    let made = request.encryption_context("ws", workspace).send().await.unwrap();
    (made.plaintext.unwrap(), made.ciphertext_blob.unwrap())
}

#[tokio::test]
async fn a_data_key_opens_with_the_context_it_was_made_with_and_with_no_other() {
    let endpoint = Endpoint::start().await;
    let kms = Client::new(&endpoint.sdk());
    let (plaintext, blob) = data_key(&kms, "w1").await;
    assert_eq!(plaintext.as_ref().len(), 32);
    let opened = kms.decrypt().ciphertext_blob(blob.clone()).encryption_context("ws", "w1").send().await.unwrap();
    assert_eq!(opened.plaintext.unwrap(), plaintext);

    let decrypt = || kms.decrypt().ciphertext_blob(blob.clone());
    for wrong in [
        decrypt(),
        decrypt().encryption_context("ws", "w2"),
        decrypt().encryption_context("ws", "w1").encryption_context("more", ""),
    ] {
        let error = wrong.send().await.unwrap_err().into_service_error();
        assert!(matches!(error, DecryptError::InvalidCiphertextException(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_ciphertext_moves_to_another_context_only_through_the_key() {
    let endpoint = Endpoint::start().await;
    let kms = Client::new(&endpoint.sdk());
    let (plaintext, blob) = data_key(&kms, "w1").await;
    let moved = kms
        .re_encrypt()
        .ciphertext_blob(blob)
        .source_encryption_context("ws", "w1")
        .destination_key_id(KEY_ALIAS)
        .destination_encryption_context("ws", "w2")
        .send()
        .await
        .unwrap();
    let blob = moved.ciphertext_blob.unwrap();
    let opened = kms.decrypt().ciphertext_blob(blob).encryption_context("ws", "w2").send().await.unwrap();
    assert_eq!(opened.plaintext.unwrap(), plaintext);
}

#[tokio::test]
async fn a_key_that_is_not_there_is_not_found_and_another_ones_ciphertext_is_refused() {
    let (ours, theirs) = (Endpoint::start().await, Endpoint::start().await);
    let (kms, other) = (Client::new(&ours.sdk()), Client::new(&theirs.sdk()));
    let error = kms.generate_data_key().key_id("alias/none").key_spec(DataKeySpec::Aes256).send().await.unwrap_err();
    assert!(matches!(error.into_service_error(), GenerateDataKeyError::NotFoundException(_)));

    let (_, blob) = data_key(&other, "w1").await;
    let decrypt = kms.decrypt().ciphertext_blob(blob).encryption_context("ws", "w1");
    let error = decrypt.clone().send().await.unwrap_err().into_service_error();
    assert!(matches!(error, DecryptError::NotFoundException(_)), "{error:?}");
    let error = decrypt.key_id(KEY_ALIAS).send().await.unwrap_err().into_service_error();
    assert!(matches!(error, DecryptError::IncorrectKeyException(_)), "{error:?}");
}

#[tokio::test]
async fn the_key_file_is_readable_by_its_owner_alone() {
    let endpoint = Endpoint::start().await;
    assert_eq!(std::fs::metadata(endpoint.key_file()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn each_key_opens_what_it_made_and_a_disabled_one_nothing() {
    let endpoint = Endpoint::start().await;
    let kms = Client::new(&endpoint.sdk());
    let own = kms.create_key().description("of a tenant").send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let make = || kms.generate_data_key().key_id(&own).key_spec(DataKeySpec::Aes256);
    let blob = make().send().await.unwrap().ciphertext_blob.unwrap();
    let (_, of_the_first) = data_key(&kms, "w1").await;
    let decrypt = |blob: &Blob| kms.decrypt().key_id(&own).ciphertext_blob(blob.clone());
    decrypt(&blob).send().await.unwrap();
    let error = decrypt(&of_the_first).encryption_context("ws", "w1").send().await.unwrap_err().into_service_error();
    assert!(matches!(error, DecryptError::IncorrectKeyException(_)), "{error:?}");

    kms.disable_key().key_id(&own).send().await.unwrap();
    assert!(make().send().await.unwrap_err().into_service_error().is_disabled_exception());
    assert!(decrypt(&blob).send().await.unwrap_err().into_service_error().is_disabled_exception());
    data_key(&kms, "w1").await;
    kms.enable_key().key_id(&own).send().await.unwrap();
    decrypt(&blob).send().await.unwrap();
}
