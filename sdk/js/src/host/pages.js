export * from 'hub:connector/pages@0.1.0';
