-- Fifteen tables as they are met with: names in several languages and abbreviations, camel case, JSON values with contacts inside, free text, ids of
-- users without a key, and much that only looks personal. In `truth` what is: every other column and place is not, but for those that may be either.
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO saas_internal;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT, UPDATE, DELETE ON TABLES TO saas_internal;
CREATE TABLE shop.kunden (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), kundennummer text, vorname text, nachname text, e_mail text, tel text, mobil text, geb_dat date, strasse text, hausnr text, plz text, ort text,
    iban text, bic text, newsletter boolean, email_verified boolean, email_sent_at timestamptz, bemerkung text, erstellt_am timestamptz DEFAULT now()
);
CREATE TABLE shop.employees (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), manager_id uuid REFERENCES shop.employees (id), first_name text, lname text, dob date, ssn text, addr1 text, addr2 text, zip_code text, phone1 text, cell_no text,
    emergency_contact text, photo bytea, salary numeric, dept text, hired_on date, email_template text
);
CREATE TABLE shop.products (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text, description text, sku text, ean text, price numeric, street_price numeric, phone_model text, address_format text, email_template text,
    manufacturer text, zip_file text, app_version text, released date
);
CREATE TABLE shop.orders (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), kunde_id uuid REFERENCES shop.kunden (id), total numeric, status text, tracking_no text, note text, payload jsonb
);
CREATE TABLE shop.visits (id bigint PRIMARY KEY, visitor uuid, remote_addr inet, ua text, url text, at timestamptz);
CREATE TABLE shop.clients_fr (id bigint PRIMARY KEY, prenom text, nom text, courriel text, telephone text, date_naissance date, adresse text, code_postal text, ville text);
CREATE TABLE shop.clientes (id bigint PRIMARY KEY, nombre text, apellidos text, correo text, movil text, dni text, fecha_nacimiento date, direccion text, activo boolean);
CREATE TABLE shop.log_lines (id bigint PRIMARY KEY, level text, message text, host text);
CREATE TABLE shop.tickets (id bigint PRIMARY KEY, subject text, body text, opened_by uuid, assignee_email varchar(200), priority integer, closed_at timestamptz);
CREATE TABLE shop.newsletter_runs (
    id bigint PRIMARY KEY, subject text, email_subject text, email_body text, email_status text, emails_sent integer, email_sent_at timestamptz, phone_count integer, address_type text
);
CREATE TABLE shop.devices (id bigint PRIMARY KEY, imei text, mac_address macaddr, owner_name text, model text, ip_range cidr, firmware_version text);
CREATE TABLE shop.patients (
    "patientId" bigint PRIMARY KEY, "firstName" text, "lastName" text, "birthDate" date, "insuranceNumber" text, diagnosis text, "phoneNumber" bigint, "createdAt" timestamptz
);
CREATE TABLE shop.bank_accounts (id bigint PRIMARY KEY, account_holder text, iban text, kto_nr text, bic text, blz text, currency text);
CREATE TABLE shop.settings (
    id bigint PRIMARY KEY, key text, value jsonb, email_provider text, phone_format text, phone_prefix text, gender_options text[], address_required boolean, ip_address_policy text
);
CREATE TABLE shop.inventory_moves (id bigint PRIMARY KEY, product uuid, quantity integer, barcode text, lot text, shelf text, moved_by text, counted_at timestamptz);

INSERT INTO shop.kunden (kundennummer, vorname, nachname, e_mail, tel, mobil, geb_dat, strasse, hausnr, plz, ort, iban, bic, bemerkung)
SELECT 'K' || n, 'Anna', 'Müller' || n, 'anna' || n || '@example.de', '030 / 12345' || n, '0171-12345' || n, '1980-01-01'::date + n, 'Lindenstraße', n::text, (10000 + n)::text, 'Berlin',
    'DE89 3704 0044 0532 0130 00', 'COBADEFFXXX', CASE WHEN n % 5 = 0 THEN 'ruft zurück unter anna' || n || '@example.org, eilig' ELSE 'ist zufrieden' END
FROM generate_series(1, 40) AS n;
INSERT INTO shop.employees (first_name, lname, dob, ssn, addr1, addr2, zip_code, phone1, cell_no, emergency_contact, dept, email_template)
SELECT 'Ann', 'Other', '1990-01-01', '123-45-6789', '1 Elm Street', NULL, '94105', '(212) 555-01' || (10 + n), '212.555.01' || (10 + n), 'Bob Other', 'sales', 'welcome' FROM generate_series(1, 40) AS n;
INSERT INTO shop.products (name, description, sku, ean, price, street_price, phone_model, address_format, email_template, manufacturer, zip_file, app_version, released)
SELECT 'Lamp ' || n, 'A lamp of 40 x 30 cm, article 0400-1234', '0012-3456-' || (10 + n), (4006381333931 + n * 10)::text, 10, 12, 'Pixel 7', '{street} {zip}', 'receipt', 'ACME', 'lamp.zip', '10.2.0.' || n, '2024-01-01'
FROM generate_series(1, 40) AS n;
INSERT INTO shop.orders (kunde_id, total, status, tracking_no, note, payload)
SELECT k.id, 10, 'paid', 'JD0146000012345678' || (10 + k.n), CASE WHEN k.n % 4 = 0 THEN 'please call +44 20 7946 0000 before' ELSE 'leave at the door' END,
    jsonb_build_object(
        'shipping', jsonb_build_object('contact', jsonb_build_object('vorname', 'Anna', 'nachname', 'Müller', 'tel', '030 123456'), 'address', jsonb_build_object('street', 'Elm Street', 'zip', '10115'), 'method', 'express'),
        'items', jsonb_build_array(jsonb_build_object('sku', 'a1', 'name', 'Lamp', 'address_type', 'home')), 'client', jsonb_build_object('ip', '192.0.2.7', 'app_version', '3.1.0'), 'email_sent', 'yes'
    )
FROM (SELECT k.id, row_number() OVER () AS n FROM shop.kunden AS k) AS k;
INSERT INTO shop.visits SELECT n, (SELECT u.id FROM saas.users AS u ORDER BY u.id LIMIT 1), '192.0.2.1', 'Mozilla/5.0', '/lamps/' || n, now() FROM generate_series(1, 40) AS n;
INSERT INTO shop.clients_fr SELECT n, 'Jean', 'Dupont', 'jean' || n || '@example.fr', '06 12 34 56 ' || (10 + n), '1980-01-01', '1 rue de Lyon', '75012', 'Paris' FROM generate_series(1, 40) AS n;
INSERT INTO shop.clientes SELECT n, 'Juan', 'García López', 'juan' || n || '@example.es', '+34 612 345 678', '12345678Z', '1980-01-01', 'Calle Mayor 1', true FROM generate_series(1, 40) AS n;
INSERT INTO shop.log_lines SELECT n, 'info', CASE WHEN n % 10 = 0 THEN 'login of eve' || n || '@example.com failed' ELSE 'request 2024-01-01 12:00:00 took 12345678 ms' END, 'web-1.internal' FROM generate_series(1, 40) AS n;
INSERT INTO shop.tickets SELECT n, 'Lamp is broken', CASE WHEN n % 3 = 0 THEN 'write to carl@example.com or call +1 212 555 0100' ELSE 'it flickers' END, (SELECT u.id FROM saas.users AS u ORDER BY u.id LIMIT 1), 'agent' || n || '@example.com', 1, now()
FROM generate_series(1, 40) AS n;
INSERT INTO shop.newsletter_runs SELECT n, 'News', 'News of May', 'Hello {first_name}', 'sent', 100, now(), 7, 'home' FROM generate_series(1, 40) AS n;
INSERT INTO shop.devices SELECT n, '49015420323751' || (n % 10), '08:00:2b:01:02:03', 'Ann Other', 'Pixel', '10.0.0.0/8', '4.2.0.' || n FROM generate_series(1, 40) AS n;
INSERT INTO shop.patients SELECT n, 'Ann', 'Other', '1980-01-01', 'A123456780', 'flu', 12125550100 + n, now() FROM generate_series(1, 40) AS n;
INSERT INTO shop.bank_accounts SELECT n, 'Ann Other', 'GB82WEST12345698765432', '532013000', 'COBADEFFXXX', '37040044', 'EUR' FROM generate_series(1, 40) AS n;
INSERT INTO shop.settings SELECT n, 'smtp', '{"host": "mail.internal", "port": "25", "email_template": "plain", "colour": "red"}', 'ses', '+99 999', '+49', '{f,m,x}', true, 'masked' FROM generate_series(1, 40) AS n;
INSERT INTO shop.inventory_moves SELECT n, gen_random_uuid(), 1, (4006381333931 + n * 10)::text, 'DE44AB123456789012' || (10 + n), '0' || n || '-12-3456', 'picker', now() FROM generate_series(1, 40) AS n;

CREATE TEMPORARY TABLE truth (table_name text, column_name text, json_path text);
INSERT INTO truth
SELECT 'shop.' || t, c, '' FROM (VALUES
    ('kunden', 'vorname nachname e_mail tel mobil geb_dat strasse hausnr plz iban bemerkung'), ('employees', 'first_name lname dob ssn addr1 addr2 zip_code phone1 cell_no emergency_contact photo'), ('orders', 'note'),
    ('visits', 'visitor remote_addr ua'), ('clients_fr', 'prenom nom courriel telephone date_naissance adresse code_postal'), ('clientes', 'nombre apellidos correo movil dni fecha_nacimiento direccion'), ('log_lines', 'message'),
    ('tickets', 'body opened_by assignee_email'), ('devices', 'imei mac_address owner_name'), ('patients', 'firstName lastName birthDate insuranceNumber diagnosis phoneNumber'), ('bank_accounts', 'account_holder iban kto_nr')
) AS v (t, names)
CROSS JOIN LATERAL regexp_split_to_table(names, ' ') AS c
UNION ALL
SELECT 'shop.orders', 'payload', p FROM unnest('{"shipping,contact,vorname","shipping,contact,nachname","shipping,contact,tel","shipping,address,street","shipping,address,zip","client,ip"}'::text[]) AS p;
CREATE TEMPORARY TABLE either (table_name text, column_name text);
INSERT INTO either VALUES ('shop.kunden', 'ort'), ('shop.kunden', 'kundennummer'), ('shop.employees', 'salary'), ('shop.orders', 'kunde_id'), ('shop.clients_fr', 'ville'), ('shop.bank_accounts', 'blz'), ('shop.inventory_moves', 'moved_by'),
    ('shop.employees', 'manager_id');
