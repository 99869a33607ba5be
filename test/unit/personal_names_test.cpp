// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/personal_names.hpp"

#include <gtest/gtest.h>

#include <string>

namespace privacy = saas::core::privacy;
using privacy::name_rank;
using privacy::value_kind;

TEST(personal_names, are_known_in_many_languages_and_forms) {
    for (const char *name :
         {"email", "e_mail", "eMail", "E-Mail", "email2", "work_email", "emailAddress", "email_id", "vorname", "firstName", "FIRST_NAME", "lname", "addr1", "addr_2", "phone1", "cell_no", "tel", "telefonnummer",
          "stra\u00dfe", "Stra\u00dfe", "pr\u00e9nom", "\u00e9tunimi_sukunimi", "apellidos", "dni", "codice_fiscale", "cod_fisc", "fecha_nacimiento", "geb_dat", "GebDat", "date_naissance", "code_postal",
          "zip_code", "PLZ", "iban", "ssn", "passport_no", "tax_id", "ip_address", "client_ip", "user_agent", "emergency_contact", "owner_name", "insuranceNumber", "n\u00e1rozen\u00ed_datum", "imi\u0119", "shipping address"})
        EXPECT_EQ(privacy::rank_of_name(name, value_kind::text), name_rank::sure) << name;
    for (const char *name : {"dob", "birth_date", "born_on", "geburtsdatum", "geb_dat", "f\u00f8dselsdato", "f\u00f6delsedatum"})
        EXPECT_EQ(privacy::rank_of_name(name, value_kind::date), name_rank::sure) << name;
    for (const char *name : {"phone", "ssn", "plz", "phoneNumber"})
        EXPECT_EQ(privacy::rank_of_name(name, value_kind::number), name_rank::sure) << name;
    for (const char *name : {"user_id", "customer_uuid", "kunde_id", "ownerId"})
        EXPECT_EQ(privacy::rank_of_name(name, value_kind::uuid), name_rank::sure) << name;
    EXPECT_EQ(privacy::rank_of_name("signature", value_kind::bytes), name_rank::sure);
}

TEST(personal_names, leave_out_words_about_a_value) {
    for (const char *name :
         {"email_sent_at", "email_status", "email_template", "emailTemplate", "phone_model", "address_type", "gender_options", "zip_file", "ip_address_policy", "phone_prefix", "street_price", "address_id",
          "email_provider", "emails_sent", "subject", "description", "sku", "total", "telemetry", "mailbox_size", "zipper", "shipment", "", "_", "42", "tip", "notes"})
        EXPECT_EQ(privacy::rank_of_name(name, value_kind::text), name_rank::none) << name;
    EXPECT_EQ(privacy::rank_of_name("email_sent_at", value_kind::date), name_rank::none);
    EXPECT_EQ(privacy::rank_of_name("created_at", value_kind::date), name_rank::none);
    EXPECT_EQ(privacy::rank_of_name("phone_count", value_kind::number), name_rank::none);
    EXPECT_EQ(privacy::rank_of_name("product_id", value_kind::uuid), name_rank::none);
    EXPECT_EQ(privacy::rank_of_name("id", value_kind::uuid), name_rank::none);
    EXPECT_EQ(privacy::rank_of_name("email", value_kind::date), name_rank::none);
}

TEST(personal_names, of_anything_count_beside_others) {
    for (const char *name : {"name", "nom", "nombre", "login", "photo", "kto_nr", "line_1"})
        EXPECT_EQ(privacy::rank_of_name(name, value_kind::text), name_rank::beside) << name;
    EXPECT_EQ(privacy::rank_of_name("salary", value_kind::number), name_rank::beside);
    EXPECT_EQ(privacy::rank_of_name("photo", value_kind::bytes), name_rank::beside);
    // Of a thing that the name says.
    for (const char *name : {"product_name", "file_name", "table_name"})
        EXPECT_EQ(privacy::rank_of_name(name, value_kind::text), name_rank::none) << name;
}

TEST(personal_names, of_any_bytes_and_length_are_read) {
    EXPECT_EQ(privacy::rank_of_name("\xff\xc3", value_kind::text), name_rank::none);
    EXPECT_EQ(privacy::rank_of_name("\xc3", value_kind::text), name_rank::none);
    EXPECT_EQ(privacy::rank_of_name(std::string(100000, '_') + "email", value_kind::text), name_rank::none);
    EXPECT_EQ(privacy::rank_of_name(std::string(100000, 'a'), value_kind::text), name_rank::none);
}
