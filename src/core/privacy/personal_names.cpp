// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/personal_names.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace saas::core::privacy {
namespace {

// Entries are in small letters, without what separates words: e_mail and email are one entry. An entry that ends with *
// stands for all that begin so.
//
// Words about a value that stands elsewhere.
constexpr auto k_about = std::to_array<std::string_view>(
    {"at", "body", "bounce", "bounced", "bounces", "category", "channel", "checksum", "config", "count", "domain", "enabled", "error", "file", "flag", "format",
     "formats", "frequency", "group", "hint", "host", "kind", "label", "language", "limit", "list", "locale", "mask", "method", "mode", "model", "on", "opt", "optin",
     "option", "options", "pattern", "policy", "port", "prefix", "price", "provider", "providers", "queue", "regex", "required", "rule", "rules", "sent", "server", "setting",
     "settings", "size", "source", "state", "status", "subject", "template", "templates", "typ", "type", "types", "valid", "validated", "validation", "verification", "verified",
     "version"});

constexpr auto k_birth = std::to_array<std::string_view>(
    {"birth", "birthday", "birthdate", "birthname", "birthplace", "born", "dateofbirth", "dob", "dogum", "fodels*", "fodsel*", "foedsel*", "geb", "gebdat", "gebdatum", "geboorte*", "geboren", "gebort",
     "gebtag", "geburts*", "nacimiento", "naissance", "narozeni", "nascimento", "nascita", "placeofbirth", "syntyma*", "urodzenia"});

// Numbers of people, their telephones and where they live.
constexpr auto k_numbers = std::to_array<std::string_view>(
    {"aadhaar", "aadhar", "bsn", "cardnumber", "ccnum", "ccnumber", "cellno", "cellnr", "cellnumber", "cellphone", "celular", "cellulare", "cep", "cnp", "codepostal", "codfisc", "codicefiscale",
     "codigopostal", "cpf", "cpr", "cprnr", "creditcard", "creditcardno", "creditcardnumber", "curp", "dni", "driverlicen*", "driverslicen*", "drivinglicen*", "fax", "faxnr", "faxnummer", "handy", "handynr", "handynummer",
     "hetu", "idcard*", "imei", "insurancenumber", "insuranceno", "insurancenr", "kodpocztowy", "licenceplate", "licenseplate", "mobil", "mobile", "mobileno", "mobilenumber", "mobilenr", "mobilfunk*", "mobilnr",
     "mobilnummer", "mobilphone", "mobiltelefon", "movil", "msisdn", "nationalid", "nationalinsurance*", "nhsno", "nhsnumber", "nie", "nif", "nino", "paspoort", "pasaporte", "passeport", "passport",
     "passportid", "passportno", "passportnr", "passportnum", "passportnumber", "personalausweis*", "ausweis*", "personnummer", "pesel", "phone", "phoneno", "phonenr", "phonenum", "phonenumber", "phones", "plz", "postalcode",
     "postcode", "postleitzahl", "postnummer", "puhelin", "puhelinnumero", "reisepass*", "rodnecislo", "socialsecurity*", "sozialversicherungs*", "ssn", "steuerid", "steuernr", "steuernummer", "svnr", "svnummer",
     "taxid", "taxno", "taxnumber", "tckimlik*", "tel", "telefon", "telefone", "telefonnr", "telefonnummer", "telefono", "telefoon", "telephone", "telephonenumber", "telemovel", "telnr", "telno", "versichertennr",
     "versichertennummer", "versicherungsnummer", "whatsapp", "zip", "zipcode"});

constexpr auto k_texts = std::to_array<std::string_view>(
    {"accountholder", "accountowner", "achternaam", "addr", "address", "addresses", "addressline", "adres", "adress", "adresse", "anrede", "anschrift", "ansprechpartner", "ansprechpartnerin",
     "apellido", "apellidos", "authorname", "avatar", "avatarurl", "benutzername", "bloodtype", "blutgruppe", "buyername", "calle", "cardholder", "clientname", "cognome", "contactname", "contactperson", "correo", "correos",
     "courriel", "courriels", "customername", "cvv", "diagnose", "diagnosis", "direccion", "disability", "displayaddress", "efternamn", "efternavn", "email", "emailaddr", "emailaddress", "emailadresse", "emailid", "emails",
     "emergencycontact", "employeename", "endereco", "epost", "epostadresse", "ethnicity", "ethnicorigin", "etternavn", "etunimi", "familienname", "familienstand", "familyname", "firstname", "firstnames", "fname",
     "forename", "fornamn", "fornavn", "fullname", "gata", "geburtsname", "gender", "geschlecht", "givenname", "givennames", "guestname", "hausnr", "hausnummer", "holdername", "houseno", "housenr", "housenumber",
     "iban", "imie", "indirizzo", "inhabername", "ip", "ipaddr", "ipaddress", "keresztnev", "konfession", "kontoinhaber", "kundenname", "lastname", "lastnames", "legalname", "linkedin", "lname", "macaddr", "macaddress",
     "maidenname", "mail", "mailaddr", "mailaddress", "mails", "maritalstatus", "membername", "middlename", "mname", "morada", "nachname", "nationality", "nazwisko", "nextofkin", "nickname", "nomdefamille",
     "notfallkontakt", "nutzername", "osoite", "ownername", "patientname", "personname", "portrait", "prenom", "prenoms", "prenume", "prijmeni", "realname", "recipientname", "religion", "rue", "rufname", "sahkoposti", "selfie",
     "sellername", "sendername", "sesso", "sexe", "sexo", "signature", "skype", "sobrenome", "soyad", "soyadi", "spousename", "staatsangeh*", "strasse", "strassenname", "street", "streetaddress", "streetname",
     "streetno", "streetnumber", "sukunimi", "surname", "twitter", "ulica", "unterschrift", "useragent", "username", "vezeteknev", "voornaam", "vorname", "vornamen"});

// Of everything, beside personal data of a person: the whole name.
constexpr auto k_text_beside = std::to_array<std::string_view>(
    {"accountno", "accountnr", "accountnumber", "displayname", "foto", "handle", "initials", "jmeno", "kontonr", "kontonummer", "kto", "ktonr", "ktonummer", "line", "login", "naam", "name", "names", "namn", "navn",
     "nom", "nombre", "nome", "photo", "picture", "profilephoto", "profilepicture", "ua"});
constexpr auto k_number_beside = std::to_array<std::string_view>(
    {"accountno", "accountnr", "accountnumber", "gehalt", "kontonr", "kontonummer", "kto", "ktonr", "ktonummer", "latitude", "longitude", "salary"});
constexpr auto k_bytes_beside = std::to_array<std::string_view>({"fingerprint", "foto", "photo", "picture", "portrait", "profilephoto"});
constexpr auto k_bytes = std::to_array<std::string_view>({"avatar", "email", "iban", "passport", "phone", "selfie", "signature", "ssn", "unterschrift"});

// Whose id a uuid is.
constexpr auto k_people = std::to_array<std::string_view>(
    {"author", "customer", "employee", "kunde", "kunden", "member", "owner", "patient", "person", "subject", "user", "usuario", "utente", "utilisateur"});

// Latin letters with marks, in UTF-8, without them.
struct folded {
    std::string_view from;
    std::string_view to;
};
constexpr auto k_folded = std::to_array<folded>(
    {{"\u00e0", "a"}, {"\u00e1", "a"}, {"\u00e2", "a"}, {"\u00e3", "a"}, {"\u00e4", "a"}, {"\u00e5", "a"}, {"\u00e6", "ae"}, {"\u00e7", "c"}, {"\u00e8", "e"}, {"\u00e9", "e"}, {"\u00ea", "e"}, {"\u00eb", "e"},
     {"\u00ec", "i"}, {"\u00ed", "i"}, {"\u00ee", "i"}, {"\u00ef", "i"}, {"\u00f1", "n"}, {"\u00f2", "o"}, {"\u00f3", "o"}, {"\u00f4", "o"}, {"\u00f5", "o"}, {"\u00f6", "o"}, {"\u00f8", "o"}, {"\u00f9", "u"},
     {"\u00fa", "u"}, {"\u00fb", "u"}, {"\u00fc", "u"}, {"\u00fd", "y"}, {"\u00df", "ss"}, {"\u0103", "a"}, {"\u0105", "a"}, {"\u0107", "c"}, {"\u010d", "c"}, {"\u010f", "d"}, {"\u0119", "e"}, {"\u011b", "e"},
     {"\u011f", "g"}, {"\u0131", "i"}, {"\u0142", "l"}, {"\u0144", "n"}, {"\u0148", "n"}, {"\u0151", "o"}, {"\u0159", "r"}, {"\u015b", "s"}, {"\u015f", "s"}, {"\u0161", "s"}, {"\u0165", "t"}, {"\u016f", "u"},
     {"\u0171", "u"}, {"\u017a", "z"}, {"\u017c", "z"}, {"\u017e", "z"}, {"\u0219", "s"}, {"\u021b", "t"},
     {"\u00c4", "a"}, {"\u00d6", "o"}, {"\u00dc", "u"}, {"\u00c9", "e"}, {"\u00c5", "a"}, {"\u00d8", "o"}, {"\u00c7", "c"}, {"\u0160", "s"}, {"\u017d", "z"}});

template <std::size_t n>
bool has(const std::array<std::string_view, n> &list, std::string_view word) {
    return std::any_of(list.begin(), list.end(), [&](std::string_view entry) {
        if (entry.back() == '*')
            return word.substr(0, entry.size() - 1) == entry.substr(0, entry.size() - 1);
        return word == entry;
    });
}

std::vector<std::string> words_of(std::string_view name) {
    std::vector<std::string> words;
    std::string word;
    const auto end_word = [&] {
        if (!word.empty())
            words.push_back(word);
        word.clear();
    };
    bool after_small = false;
    for (std::size_t i = 0; i < name.size();) {
        const char c = name[i];
        if (c >= 'A' && c <= 'Z') {
            if (after_small)
                end_word();
            word.push_back(static_cast<char>(c - 'A' + 'a'));
            after_small = false;
            ++i;
        } else if (c >= 'a' && c <= 'z') {
            word.push_back(c);
            after_small = true;
            ++i;
        } else if (static_cast<unsigned char>(c) < 0x80U) {
            // A digit ends a word as well: addr1 and addr_2 are both addr.
            end_word();
            after_small = false;
            ++i;
        } else {
            const auto letter = std::find_if(k_folded.begin(), k_folded.end(),
                                             [&](const folded &f) { return name.substr(i, f.from.size()) == f.from; });
            if (letter == k_folded.end()) {
                word.push_back(c);
                ++i;
            } else {
                word += letter->to;
                i += letter->from.size();
            }
            after_small = true;
        }
    }
    end_word();
    return words;
}

bool is_sure(std::string_view term, value_kind kind) {
    switch (kind) {
    case value_kind::text:
        return has(k_texts, term) || has(k_numbers, term) || has(k_birth, term);
    case value_kind::number:
        return has(k_numbers, term);
    case value_kind::date:
        return has(k_birth, term);
    case value_kind::bytes:
        return has(k_bytes, term);
    case value_kind::uuid:
        break;
    }
    return false;
}

bool is_beside(std::string_view whole, value_kind kind) {
    switch (kind) {
    case value_kind::text:
        return has(k_text_beside, whole);
    case value_kind::number:
        return has(k_number_beside, whole);
    case value_kind::bytes:
        return has(k_bytes_beside, whole);
    case value_kind::date:
    case value_kind::uuid:
        break;
    }
    return false;
}

bool is_persons_id(std::string_view whole) {
    for (const std::string_view end : {"uuid", "id"}) {
        if (whole.size() > end.size() && whole.substr(whole.size() - end.size()) == end)
            return has(k_people, whole.substr(0, whole.size() - end.size()));
    }
    return false;
}

} // namespace

name_rank rank_of_name(std::string_view name, value_kind kind) {
    constexpr std::size_t k_longest = 128; // bytes; names of columns have 63
    constexpr std::size_t k_most_words = 4;
    const auto words = words_of(name.substr(0, k_longest));
    std::string whole;
    for (const std::string &word : words)
        whole += word;
    if (words.empty())
        return name_rank::none;
    if (kind == value_kind::uuid)
        return is_persons_id(whole) ? name_rank::sure : name_rank::none;
    for (const std::string &word : words) {
        // A date is on a day: born_on.
        if (has(k_about, word) && !(kind == value_kind::date && word == "on"))
            return name_rank::none;
    }
    const bool is_id = words.back() == "id" || words.back() == "uuid";
    for (std::size_t first = 0; first < words.size(); ++first) {
        std::string term;
        for (std::size_t last = first; last < std::min(words.size(), first + k_most_words); ++last) {
            term += words[last];
            // address_id is the id of an address, tax_id is an id of a person.
            if ((!is_id || last + 1 == words.size()) && is_sure(term, kind))
                return name_rank::sure;
        }
    }
    return is_beside(whole, kind) ? name_rank::beside : name_rank::none;
}

} // namespace saas::core::privacy
