DROP TABLE saas.notification_preferences;
DROP TABLE saas.notifications;
DROP TABLE saas.addresses;
DROP TABLE saas.user_sessions;
DROP TABLE saas.team_invitations;
